import Synchronization
import Telemetry

/// Counts of one event loop's operations, readable from any thread.
///
/// Each event loop has its own, so that the atomic additions of the hot path meet no contention; a reader adds them up.
package final class OperationCounters: Sendable {
    /// Room for every kind of operation, store and result.
    private let outcomes = InlineArray<105, Atomic<Int>> { _ in Atomic(0) }
    private let latencies = InlineArray<5, LatencyHistogram> { _ in LatencyHistogram() }
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

    /// The counts now. Each is exact; two of them may be read a moment apart.
    package var snapshot: OperationCounts {
        OperationCounts(
            outcomes: self.outcomes.indices.map { self.outcomes[$0].load(ordering: .relaxed) },
            latencies: self.latencies.indices.map { self.latencies[$0].snapshot }
        )
    }
}
