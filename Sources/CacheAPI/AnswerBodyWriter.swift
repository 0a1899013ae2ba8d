import Bytes
import Cache
package import NIOCore

/// Writes the body of an answer piece by piece, so that a long one need not be in memory a second time.
///
/// A value: whoever sends the pieces decides when the next one is due, which is when the client has taken those before it.
package struct AnswerBodyWriter {
    private enum Source {
        case batch(BatchAnswerWriter)
        /// - Parameter key: nil if the body is the value alone.
        case value(key: ByteBuffer?, CachedValue, offset: Int)
        case whole(AnswerBody)
    }

    private var source: Source
    /// Bytes that are still to be written.
    package private(set) var remainingCount: Int

    package init(_ body: AnswerBody) {
        self.remainingCount = body.count
        self.source =
            switch body {
            case .batch(let results): .batch(BatchAnswerWriter(results))
            case .value(let key, let value): .value(key: key, value, offset: 0)
            case .bytes(let value): .value(key: nil, value, offset: 0)
            case .stored, .deleted, .expires, .detail, .prepared: .whole(body)
            }
    }

    /// The next piece; nil at the end.
    /// - Parameter maximumBytes: at least 1. The piece is longer by less than what stands around a value, so that only values are cut.
    package mutating func next(maximumBytes: Int) -> ByteBuffer? {
        guard self.remainingCount > 0 else { return nil }
        var piece = ByteBuffer()
        switch self.source {
        case .batch(var results):
            // One that is held twice would be copied.
            self.source = .whole(.detail(""))
            results.writePiece(of: maximumBytes, into: &piece)
            self.source = .batch(results)
        case .value(let key, let value, let offset):
            let isLast = value.count - offset <= maximumBytes
            let end = isLast ? value.count : offset + maximumBytes
            let count = isLast ? self.remainingCount : end - offset + (offset == 0 ? self.remainingCount - value.count : 0)
            piece.append(maximumCount: count) { cursor in
                if let key, offset == 0 { AnswerBody.writeHead(of: key, into: &cursor) }
                value.withBytes { cursor.append(UnsafeRawBufferPointer(rebasing: $0[offset..<end])) }
                if key != nil, isLast { cursor.append(AnswerBody.valueEnd) }
            }
            self.source = .value(key: key, value, offset: end)
        case .whole(let body):
            piece.append(maximumCount: self.remainingCount) { body.write(into: &$0) }
        }
        self.remainingCount -= piece.readableBytes
        return piece
    }
}
