import CacheAPI
import HTTPWire
import Hummingbird
import NIOCore
import Synchronization

/// What an answer holds that its client has not taken, as the process counts it. Whatever becomes of the answer, its bytes are no longer counted when it is
/// gone.
final class UnsentBytes: Sendable {
    private let limiter: Limiter
    private let count: Atomic<Int>

    init(_ limiter: Limiter, count: Int = 0) {
        self.limiter = limiter
        self.count = Atomic(count)
        limiter.unsent(count)
    }

    deinit { self.removeAll() }

    /// `count` more bytes, or fewer if it is negative.
    func add(_ count: Int) {
        self.count.add(count, ordering: .relaxed)
        self.limiter.unsent(count)
    }

    func removeAll() { self.limiter.unsent(-self.count.exchange(0, ordering: .relaxed)) }
}

extension ResponseBody {
    /// A body that is longer is written in pieces of this length.
    static let pieceBytes = 64 * 1024

    /// A body that is written as its client reads it. What is still to be written counts as unsent.
    init(_ body: AnswerBody, _ limiter: Limiter) {
        let unsent = UnsentBytes(limiter, count: body.count)
        self.init(contentLength: body.count) { writer in
            var pieces = AnswerBodyWriter(body)
            while let piece = pieces.next(maximumBytes: Self.pieceBytes) {
                unsent.add(-piece.readableBytes)
                try await writer.write(piece)
            }
            try await writer.finish(nil)
        }
    }
}
