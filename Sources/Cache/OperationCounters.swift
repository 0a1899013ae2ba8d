package import Histograms
import Synchronization

/// The kinds of operation that are counted.
package enum CacheOperation: Int, Sendable, CaseIterable {
    case set, get, delete, invalidate, stats
    /// A new time to live for a value.
    case expire

    /// The name in `GET /metrics`.
    package var name: String {
        switch self {
        case .set: "set"
        case .get: "get"
        case .delete: "delete"
        case .invalidate: "invalidate"
        case .stats: "stats"
        case .expire: "expire"
        }
    }
}

/// What came of an operation, as the metrics name it.
package enum OperationResult: Int, Sendable, CaseIterable {
    /// A read found a value.
    case hit
    /// A read or a deletion found none.
    case miss
    case stored, deleted
    /// A dry run of an invalidation, or the statistics: nothing was changed.
    case read
    /// The store said no: no room, no permission, no text.
    case refused
    /// An invalidation broke off.
    case incomplete
    /// The key did not hold what the request expects.
    case conflict

    /// The name in the metrics.
    package var name: String {
        switch self {
        case .hit: "hit"
        case .miss: "miss"
        case .stored: "stored"
        case .deleted: "deleted"
        case .read: "read"
        case .refused: "refused"
        case .incomplete: "incomplete"
        case .conflict: "conflict"
        }
    }
}

extension CacheOperation {
    /// What can come of an operation of this kind.
    package var possibleResults: [OperationResult] {
        switch self {
        case .set: [.stored, .conflict, .refused]
        case .get: [.hit, .miss, .conflict, .refused]
        case .delete: [.deleted, .miss, .conflict, .refused]
        case .expire: [.stored, .miss, .refused]
        case .invalidate: [.deleted, .read, .incomplete]
        case .stats: [.read]
        }
    }
}

/// Counts of one event loop's operations, readable from any thread.
///
/// Each event loop has its own, so that the atomic additions of the hot path meet no contention; a reader adds them up.
package final class OperationCounters: Sendable {
    /// Room for every kind of operation, store and result.
    private let outcomes = InlineArray<192, Atomic<Int>> { _ in Atomic(0) }
    private let latencies = InlineArray<6, LatencyHistogram> { _ in LatencyHistogram() }
    private let isRecording: Bool

    /// - Parameter isRecording: whether anything is counted at all.
    package init(isRecording: Bool = true) {
        self.isRecording = isRecording
    }

    /// Counts one finished operation and the time it took.
    package func record(_ operation: CacheOperation, _ source: CacheSource, _ result: OperationResult, nanoseconds: Int) {
        guard self.isRecording else { return }
        self.outcomes[OperationCounts.index(operation, source, result)].add(1, ordering: .relaxed)
        self.latencies[operation.rawValue].record(nanoseconds: nanoseconds)
    }

    /// Counts several operations with the same result, each of which took this time.
    package func record(_ operation: CacheOperation, _ source: CacheSource, _ result: OperationResult, nanoseconds: Int, count: Int) {
        guard self.isRecording else { return }
        self.outcomes[OperationCounts.index(operation, source, result)].add(count, ordering: .relaxed)
        self.latencies[operation.rawValue].record(nanoseconds: nanoseconds, count: count)
    }

    /// The counts now. Each is exact; two of them may be read a moment apart.
    package var snapshot: OperationCounts {
        OperationCounts(
            outcomes: self.outcomes.indices.map { self.outcomes[$0].load(ordering: .relaxed) },
            latencies: self.latencies.indices.map { self.latencies[$0].snapshot }
        )
    }
}

/// A reading of the operation counters of one event loop, or the sum of several.
package struct OperationCounts: Sendable {
    private var outcomes: [Int]
    private var latencies: [HistogramSnapshot]

    init(outcomes: [Int], latencies: [HistogramSnapshot]) {
        self.outcomes = outcomes
        self.latencies = latencies
    }

    static func index(_ operation: CacheOperation, _ source: CacheSource, _ result: OperationResult) -> Int {
        (operation.rawValue * CacheSource.count + source.rawValue) * 8 + result.rawValue
    }

    /// Adds another reading.
    package mutating func add(_ other: OperationCounts) {
        for index in self.outcomes.indices { self.outcomes[index] += other.outcomes[index] }
        for index in self.latencies.indices { self.latencies[index].add(other.latencies[index]) }
    }

    /// Operations of one kind that one store answered with one result.
    package func count(_ operation: CacheOperation, _ source: CacheSource, _ result: OperationResult) -> Int {
        self.outcomes[Self.index(operation, source, result)]
    }

    /// Operations of one kind with one result.
    package func count(_ operation: CacheOperation, _ result: OperationResult) -> Int {
        CacheSource.allCases.reduce(0) { $0 + self.count(operation, $1, result) }
    }

    /// Operations of one kind.
    package func count(_ operation: CacheOperation) -> Int {
        OperationResult.allCases.reduce(0) { $0 + self.count(operation, $1) }
    }

    /// Operations that one store answered.
    package func count(_ source: CacheSource) -> Int {
        CacheOperation.allCases.reduce(0) { sum, operation in
            OperationResult.allCases.reduce(sum) { $0 + self.count(operation, source, $1) }
        }
    }

    /// Reads that found a value.
    package var hits: Int { self.count(.get, .hit) }

    /// Reads that found none.
    package var misses: Int { self.count(.get, .miss) }

    /// How long operations of one kind took, in seconds.
    package func latency(_ operation: CacheOperation) -> HistogramSnapshot { self.latencies[operation.rawValue] }

    /// How long the operations on one key took together, in seconds.
    package var keyLatency: HistogramSnapshot {
        var latency = self.latency(.get)
        latency.add(self.latency(.set))
        latency.add(self.latency(.delete))
        return latency
    }

    /// Mean time of one operation in milliseconds; 0 when there was none.
    package func meanMilliseconds(_ operation: CacheOperation) -> Double {
        let latency = self.latency(operation)
        return latency.count == 0 ? 0 : latency.sum * 1000 / Double(latency.count)
    }
}
