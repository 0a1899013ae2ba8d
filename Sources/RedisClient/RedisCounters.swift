import Synchronization

/// Counts of one connection to Redis, readable from any thread.
package final class RedisCounters: Sendable {
    private let opened = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)
    private let isOpen = Atomic<Bool>(false)
    private let pending = Atomic<Int>(0)
    private let deadlinesMissed = Atomic<Int>(0)
    private let lateReplies = Atomic<Int>(0)
    private let rejected = Atomic<Int>(0)

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

    /// How many replies are owed now: a plain store, since one event loop alone writes it.
    func recordPending(_ count: Int) { self.pending.store(count, ordering: .relaxed) }

    func recordDeadlinesMissed(_ count: Int) { self.deadlinesMissed.add(count, ordering: .relaxed) }
    func recordLateReply() { self.lateReplies.add(1, ordering: .relaxed) }
    func recordRejected() { self.rejected.add(1, ordering: .relaxed) }

    /// The counts now.
    package var snapshot: RedisCounts {
        var counts = RedisCounts()
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
