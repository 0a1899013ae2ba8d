import CacheAPI
import NIOCore

/// What a client has sent and no one has taken yet.
struct ConnectionInput {
    private(set) var bytes = ByteBuffer()

    var count: Int { self.bytes.readableBytes }

    mutating func append(_ bytes: inout ByteBuffer) {
        if self.count == 0 {
            self.bytes = bytes
        } else {
            self.bytes.writeBuffer(&bytes)
        }
    }

    /// Takes the first `count` bytes. They are copied nowhere.
    mutating func take(_ count: Int) -> ByteBuffer? {
        defer { self.releaseIfEmpty() }
        return self.bytes.readSlice(length: count)
    }

    mutating func drop(_ count: Int) {
        self.bytes.moveReaderIndex(forwardBy: count)
        self.releaseIfEmpty()
    }

    mutating func removeAll() { self.bytes = ByteBuffer() }

    /// Moves few bytes into a small buffer: a buffer of a read is much larger than the few bytes that may be left in it.
    mutating func shrink() {
        guard self.count > 0, self.bytes.storageCapacity > max(ConnectionAccount.uncountedBytes, 4 * self.count) else { return }
        self.bytes = ByteBuffer(bytes: self.bytes.readableBytesView)
    }

    /// An idle connection holds no buffer.
    private mutating func releaseIfEmpty() {
        if self.count == 0 { self.bytes = ByteBuffer() }
    }
}

/// Answers that have not been sent yet.
struct ConnectionOutput {
    /// The most bytes of storage that an idle connection keeps.
    private static let keptCapacity = 4 * 1024

    private var bytes = ByteBuffer()
    /// What is not written yet of a long answer.
    private var rest: BatchAnswerWriter?

    var count: Int { self.bytes.readableBytes }

    /// Whether an answer is only begun. Then nothing may be put behind it.
    var hasRest: Bool { self.rest != nil }
    /// How many bytes of it are not written yet.
    var restCount: Int { self.rest?.remainingCount ?? 0 }

    /// Puts the answer to a batch behind the others: all of it if it has at most `maximumCount` bytes, else the head alone, which `writePiece` goes on from.
    mutating func append(_ results: BatchResults, _ answer: Answer, _ trailer: AnswerTrailer, isLast: Bool, maximumCount: Int) {
        guard results.count > maximumCount else { return self.append(answer, trailer, isLast: isLast) }
        answer.writeHead(trailer, closing: isLast, into: &self.bytes)
        self.rest = BatchAnswerWriter(results)
    }

    /// Writes the next piece of the answer that is begun.
    mutating func writePiece(of maximumBytes: Int) {
        self.rest?.writePiece(of: maximumBytes, into: &self.bytes)
        if self.rest?.isFinished == true { self.rest = nil }
    }

    /// The answer that is begun is not wanted any more.
    mutating func dropRest() { self.rest = nil }

    /// Puts an answer behind the others.
    mutating func append(_ answer: Answer, _ trailer: AnswerTrailer, isLast: Bool, isHeadOnly: Bool = false) {
        answer.write(trailer, closing: isLast, isHeadOnly: isHeadOnly, into: &self.bytes)
    }

    mutating func takeAll() -> ByteBuffer {
        var bytes = ByteBuffer()
        swap(&bytes, &self.bytes)
        return bytes
    }

    /// The socket has been offered `bytes`. Once it has taken them they are ours alone again, and clearing keeps their storage for the next answer.
    mutating func reuse(_ bytes: inout ByteBuffer) {
        guard bytes.capacity <= Self.keptCapacity, self.count == 0 else { return }
        bytes.clear()
        self.bytes = bytes
    }
}

/// Knows how many bytes of answers a client has not read, to within 16 KiB. A value: its owner reports what is written and what the socket has taken.
///
/// Asking the socket after each answer would cost more than the answer. Instead one write in many carries a mark, a promise that is kept when
/// the socket has taken everything up to it. For a client that reads, that is before the write returns.
struct UnsentBytes {
    /// From how many bytes on a write is marked.
    static let markDistance = 16 * 1024

    /// Written since the socket was last known to have taken everything.
    private var count = 0
    /// How many of these the mark under way covers; nil if there is none.
    private var marked: Int?
    /// Since when the mark is under way, in nanoseconds of the monotonic clock.
    private(set) var stalledSince: Int?

    /// What the process counts: the bytes that wait for this client, as soon as it is known not to read at once.
    var waiting: Int { self.marked == nil ? 0 : self.count }

    /// `count` bytes are written.
    mutating func wrote(_ count: Int) { self.count += count }

    /// What was written is about to be flushed. Returns whether a mark goes with it.
    mutating func flushing(now: Int) -> Bool {
        guard self.marked == nil, self.count >= Self.markDistance else { return false }
        self.marked = self.count
        self.stalledSince = now
        return true
    }

    /// The socket has taken everything up to the mark. Returns whether what was written since then needs a mark of its own, which is then under way.
    mutating func markTaken(now: Int) -> Bool {
        self.count -= self.marked ?? 0
        self.marked = nil
        self.stalledSince = nil
        return self.flushing(now: now)
    }
}
