import NIOCore

/// The keys that one event loop has written to Redis in the last few seconds.
///
/// Why: a replica that takes over has not got the last writes that its master acknowledged (replication is asynchronous), and what it has under
/// those keys is older. When another server answers after an outage, these keys are deleted from it.
///
/// Idea: two buffers of keys, each with its length in front. One is being filled; after the span both take turns, so that what is kept is never less
/// than the span and never more than twice as much. O(key length) to record.
struct RecentWrites {
    /// How long a write is remembered, at least; nothing is for a span of zero.
    private var span: TimeAmount
    private var maximumBytesOfBuffer: Int
    private var current = ByteBuffer()
    private var previous = ByteBuffer()
    private var currentBegin = 0
    private var currentOverflowed = false
    private var previousOverflowed = false
    private var overflows = 0

    /// - Parameters:
    ///   - span: how long a write is remembered, at least; nothing is for a span of zero
    ///   - maximumBytes: of both buffers
    init(span: TimeAmount, maximumBytes: Int) {
        self.span = span
        self.maximumBytesOfBuffer = maximumBytes / 2
    }

    /// Other bounds apply from now on: whether Redis is a cluster, and of how many shards, is known only when it has answered.
    mutating func limit(span: TimeAmount, maximumBytes: Int) {
        self.span = span
        self.maximumBytesOfBuffer = maximumBytes / 2
    }

    private var spanNanoseconds: Int { Int(self.span.nanoseconds) }

    /// Redis has acknowledged a write.
    /// - Parameter now: nanoseconds of the monotonic clock.
    mutating func record(_ key: ByteBuffer, now: Int) {
        guard self.spanNanoseconds > 0 else { return }
        if now - self.currentBegin >= self.spanNanoseconds { self.turn(now) }
        guard self.current.readableBytes + key.readableBytes + 4 <= self.maximumBytesOfBuffer else {
            if !self.currentOverflowed { self.overflows += 1 }
            self.currentOverflowed = true
            return
        }
        self.current.writeInteger(UInt32(key.readableBytes))
        self.current.writeImmutableBuffer(key)
    }

    private mutating func turn(_ now: Int) {
        let isRecent = now - self.currentBegin < 2 * self.spanNanoseconds
        swap(&self.current, &self.previous)
        self.previousOverflowed = isRecent && self.currentOverflowed
        if !isRecent { self.previous.clear(minimumCapacity: 0) }
        self.current.clear(minimumCapacity: 0)
        self.currentOverflowed = false
        self.currentBegin = now
    }

    /// The keys, some more than once; nil if there were more than could be kept. Nothing is remembered afterwards.
    mutating func takeAll() -> [[UInt8]]? {
        defer {
            self.current.clear(minimumCapacity: 0)
            self.previous.clear(minimumCapacity: 0)
            self.currentOverflowed = false
            self.previousOverflowed = false
        }
        guard !self.currentOverflowed, !self.previousOverflowed else { return nil }
        var keys: [[UInt8]] = []
        for var buffer in [self.previous, self.current] {
            while let length = buffer.readInteger(as: UInt32.self), let key = buffer.readBytes(length: Int(length)) { keys.append(key) }
        }
        return keys
    }

    var report: RecentWritesReport {
        RecentWritesReport(
            bytes: self.current.readableBytes + self.previous.readableBytes, maximumBytes: 2 * self.maximumBytesOfBuffer, overflows: self.overflows)
    }
}

/// How many of the keys written lately are remembered: of one event loop, or over all.
package struct RecentWritesReport: Sendable, Hashable {
    package var bytes = 0
    package var maximumBytes = 0
    /// Spans in which more was written than could be remembered.
    package var overflows = 0

    package init() {}

    init(bytes: Int, maximumBytes: Int, overflows: Int) {
        self.bytes = bytes
        self.maximumBytes = maximumBytes
        self.overflows = overflows
    }

    /// Adds the report of another event loop.
    mutating func add(_ other: RecentWritesReport) {
        self.bytes += other.bytes
        self.maximumBytes += other.maximumBytes
        self.overflows += other.overflows
    }
}
