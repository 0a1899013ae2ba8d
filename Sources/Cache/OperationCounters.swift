import Synchronization

/// Counts of one event loop's operations, readable from any thread.
///
/// Each event loop has its own, so that the atomic additions of the hot path meet no contention; a reader adds them up.
package final class OperationCounters: Sendable {
    private struct Counter: ~Copyable {
        let operations = Atomic<Int>(0)
        let nanoseconds = Atomic<Int>(0)
    }

    private let set = Counter()
    private let get = Counter()
    private let delete = Counter()
    private let invalidate = Counter()
    private let stats = Counter()
    private let hits = Atomic<Int>(0)
    private let misses = Atomic<Int>(0)
    private let errors = Atomic<Int>(0)
    private let laneRequests = Atomic<Int>(0)
    private let routerRequests = Atomic<Int>(0)
    private let degradedAnswers = Atomic<Int>(0)
    private let openConnections = Atomic<Int>(0)

    package init() {}

    /// Counts one finished operation and the time it took.
    package func record(_ operation: CacheOperation, nanoseconds: Int) {
        switch operation {
        case .set: Self.add(nanoseconds, to: self.set)
        case .get: Self.add(nanoseconds, to: self.get)
        case .delete: Self.add(nanoseconds, to: self.delete)
        case .invalidate: Self.add(nanoseconds, to: self.invalidate)
        case .stats: Self.add(nanoseconds, to: self.stats)
        }
    }

    /// Counts the outcome of a read.
    package func recordLookup(hit: Bool) {
        if hit {
            self.hits.add(1, ordering: .relaxed)
        } else {
            self.misses.add(1, ordering: .relaxed)
        }
    }

    /// Counts an answer with a status of 500 or more, or one that a store refused.
    package func recordError() { self.errors.add(1, ordering: .relaxed) }

    /// Counts an answer that the fallback gave.
    package func recordDegraded() { self.degradedAnswers.add(1, ordering: .relaxed) }

    /// Counts the connections of clients that are open.
    package func recordConnection(opened: Bool) { self.openConnections.add(opened ? 1 : -1, ordering: .relaxed) }

    /// Counts a request answered by the fast lane.
    package func recordLane() { self.laneRequests.add(1, ordering: .relaxed) }

    /// Counts a request answered by the router.
    package func recordRouter() { self.routerRequests.add(1, ordering: .relaxed) }

    /// The counts now. Each is exact; two of them may be read a moment apart.
    package var snapshot: OperationCounts {
        var counts = OperationCounts()
        for operation in CacheOperation.allCases {
            switch operation {
            case .set: counts.add(operation, Self.read(self.set))
            case .get: counts.add(operation, Self.read(self.get))
            case .delete: counts.add(operation, Self.read(self.delete))
            case .invalidate: counts.add(operation, Self.read(self.invalidate))
            case .stats: counts.add(operation, Self.read(self.stats))
            }
        }
        counts.hits = self.hits.load(ordering: .relaxed)
        counts.misses = self.misses.load(ordering: .relaxed)
        counts.errors = self.errors.load(ordering: .relaxed)
        counts.laneRequests = self.laneRequests.load(ordering: .relaxed)
        counts.routerRequests = self.routerRequests.load(ordering: .relaxed)
        counts.openConnections = self.openConnections.load(ordering: .relaxed)
        counts.degradedAnswers = self.degradedAnswers.load(ordering: .relaxed)
        return counts
    }

    private static func add(_ nanoseconds: Int, to counter: borrowing Counter) {
        counter.operations.add(1, ordering: .relaxed)
        counter.nanoseconds.add(nanoseconds, ordering: .relaxed)
    }

    private static func read(_ counter: borrowing Counter) -> OperationCounts.Total {
        .init(operations: counter.operations.load(ordering: .relaxed), nanoseconds: counter.nanoseconds.load(ordering: .relaxed))
    }
}
