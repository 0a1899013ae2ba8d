import Synchronization

/// What nodes of a cluster have sent elsewhere on one event loop, readable from any thread.
package final class RedirectCounters: Sendable {
    /// What is counted.
    package enum Event: Int, Sendable, CaseIterable {
        /// The slot has another owner.
        case moved
        /// The slot is moving, and the key is at another node for now.
        case ask
        /// A node that sends to itself: another machine is behind its address.
        case stale
        /// Memory answered after a redirect: its node is not known, not there, or had too little time left.
        case givenUp
    }

    private let counts = InlineArray<4, Atomic<Int>> { _ in Atomic(0) }

    package init() {}

    func record(_ event: Event) { self.counts[event.rawValue].add(1, ordering: .relaxed) }

    /// The counts now.
    package var snapshot: RedirectCountersSnapshot {
        RedirectCountersSnapshot(counts: self.counts.indices.map { self.counts[$0].load(ordering: .relaxed) })
    }
}

/// A reading of the counters of one event loop, or the sum of several.
package struct RedirectCountersSnapshot: Sendable, Hashable {
    private var counts = [Int](repeating: 0, count: RedirectCounters.Event.allCases.count)

    package init() {}

    init(counts: [Int]) { self.counts = counts }

    package func count(_ event: RedirectCounters.Event) -> Int { self.counts[event.rawValue] }

    /// Adds the reading of another event loop.
    package mutating func add(_ other: RedirectCountersSnapshot) {
        for index in self.counts.indices { self.counts[index] += other.counts[index] }
    }
}
