/// A reading of the counters of one connection, or the sum of several.
package struct RedisCounts: Sendable, Equatable {
    /// Connections that are open now.
    package var connections = 0
    /// Connections opened so far.
    package var opened = 0
    /// Attempts that failed and connections that were lost.
    package var failed = 0
    /// Replies owed now, those of abandoned commands included.
    package var pending = 0
    /// Commands that were given up.
    package var deadlinesMissed = 0
    /// Replies that came after that.
    package var lateReplies = 0
    /// Commands refused because too many waited, or because there was no connection.
    package var rejected = 0

    package init() {}

    /// Adds another reading.
    package mutating func add(_ other: RedisCounts) {
        self.connections += other.connections
        self.opened += other.opened
        self.failed += other.failed
        self.pending += other.pending
        self.deadlinesMissed += other.deadlinesMissed
        self.lateReplies += other.lateReplies
        self.rejected += other.rejected
    }
}
