package import Telemetry

/// A reading of the operation counters of one event loop, or the sum of several.
package struct OperationCounts: Sendable {
    private var outcomes: [Int]
    private var latencies: [HistogramSnapshot]

    init(outcomes: [Int], latencies: [HistogramSnapshot]) {
        self.outcomes = outcomes
        self.latencies = latencies
    }

    static func index(_ operation: CacheOperation, _ source: CacheSource, _ result: OperationResult) -> Int {
        (operation.rawValue * 3 + source.rawValue) * 7 + result.rawValue
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
