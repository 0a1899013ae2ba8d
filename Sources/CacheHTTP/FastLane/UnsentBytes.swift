/// Knows how many bytes of answers a client has not read, to within 16 KiB. A value: the lane tells it what it writes, and when the socket has
/// taken what.
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

    /// What the process must know of: the bytes that wait for this client, as soon as it is known not to read at once.
    var waiting: Int { self.marked == nil ? 0 : self.count }

    /// `count` bytes are about to be written. Returns whether the write should carry a mark.
    mutating func wrote(_ count: Int) -> Bool {
        self.count += count
        return self.marked == nil && self.count >= Self.markDistance
    }

    /// The write that is about to be flushed carries a mark.
    mutating func mark(now: Int) {
        self.marked = self.count
        self.stalledSince = now
    }

    /// The socket has taken everything up to the mark. Returns whether what was written since then needs a mark of its own.
    mutating func tookMark() -> Bool {
        self.count -= self.marked ?? 0
        self.marked = nil
        self.stalledSince = nil
        return self.count >= Self.markDistance
    }
}
