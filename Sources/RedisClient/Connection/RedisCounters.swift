import Synchronization

/// The counters of one connection to Redis, readable from any thread.
package final class RedisCounters: Sendable {
    private let opened = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)
    private let isOpen = Atomic<Bool>(false)
    private let pending = Atomic<Int>(0)
    private let deadlinesMissed = Atomic<Int>(0)
    private let lateReplies = Atomic<Int>(0)
    private let rejected = Atomic<Int>(0)
    private let received = Atomic<Int>(0)

    package init() {}

    func recordOpened() {
        self.opened.add(1, ordering: .relaxed)
        self.isOpen.store(true, ordering: .relaxed)
    }

    func recordFailed() { self.failed.add(1, ordering: .relaxed) }

    func recordLeft() {
        self.isOpen.store(false, ordering: .relaxed)
        self.pending.store(0, ordering: .relaxed)
    }

    /// The number of pending replies: a plain store, because only one event loop writes it.
    func recordPending(_ count: Int) { self.pending.store(count, ordering: .relaxed) }

    /// A plain store, because only one event loop writes it.
    package func recordReceived(_ count: Int) { self.received.store(self.receivedBytes &+ count, ordering: .relaxed) }

    /// Bytes that the server has sent so far.
    package var receivedBytes: Int { self.received.load(ordering: .relaxed) }

    func recordDeadlinesMissed(_ count: Int) { self.deadlinesMissed.add(count, ordering: .relaxed) }
    func recordLateReply() { self.lateReplies.add(1, ordering: .relaxed) }
    func recordRejected() { self.rejected.add(1, ordering: .relaxed) }

    /// A reading of the counters.
    package var snapshot: RedisCountersSnapshot {
        var counts = RedisCountersSnapshot()
        counts.connections = self.isOpen.load(ordering: .relaxed) ? 1 : 0
        counts.opened = self.opened.load(ordering: .relaxed)
        counts.failed = self.failed.load(ordering: .relaxed)
        counts.pending = self.pending.load(ordering: .relaxed)
        counts.deadlinesMissed = self.deadlinesMissed.load(ordering: .relaxed)
        counts.lateReplies = self.lateReplies.load(ordering: .relaxed)
        counts.rejected = self.rejected.load(ordering: .relaxed)
        return counts
    }
}

/// A reading of the counters of one connection, or the sum of several.
package struct RedisCountersSnapshot: Sendable, Equatable {
    /// Open connections.
    package var connections = 0
    /// Connections opened so far.
    package var opened = 0
    /// Attempts that failed and connections that were lost.
    package var failed = 0
    /// Pending replies, including those to abandoned commands.
    package var pending = 0
    /// Commands abandoned at their deadline.
    package var deadlinesMissed = 0
    /// Replies to abandoned commands.
    package var lateReplies = 0
    /// Commands rejected because too many were pending or because there was no connection.
    package var rejected = 0

    package init() {}

    /// Adds another reading.
    package mutating func add(_ other: RedisCountersSnapshot) {
        self.connections += other.connections
        self.opened += other.opened
        self.failed += other.failed
        self.pending += other.pending
        self.deadlinesMissed += other.deadlinesMissed
        self.lateReplies += other.lateReplies
        self.rejected += other.rejected
    }
}
