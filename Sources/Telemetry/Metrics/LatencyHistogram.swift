import Synchronization

/// Counts durations by magnitude. Recording is one atomic addition to the bucket and one to the sum: no lock, no allocation. Buckets are cumulated when
/// they are read, not when they are counted.
package struct LatencyHistogram: ~Copyable, Sendable {
    /// Upper bounds in nanoseconds. 50 ms is the service's promise; below 1 ms they are fine, since that is where almost all answers are.
    private static let bounds: InlineArray<16, Int> = [
        10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000,
        100_000_000, 250_000_000, 1_000_000_000, 2_500_000_000,
    ]

    /// The bounds in seconds.
    package static let boundsInSeconds: [Double] = bounds.indices.map { Double(bounds[$0]) / 1e9 }

    private let counts = InlineArray<17, Atomic<Int>> { _ in Atomic(0) }
    private let total = Atomic<Int>(0)

    package init() {}

    /// Counts a duration. O(1).
    package func record(nanoseconds: Int) {
        var index = 0
        while index < Self.bounds.count, nanoseconds > Self.bounds[index] { index += 1 }
        self.counts[index].add(1, ordering: .relaxed)
        self.total.add(nanoseconds, ordering: .relaxed)
    }

    /// The counts now. Each is exact; two of them may be read a moment apart.
    package var snapshot: HistogramSnapshot {
        HistogramSnapshot(
            bounds: Self.boundsInSeconds,
            counts: self.counts.indices.map { self.counts[$0].load(ordering: .relaxed) },
            sum: Double(self.total.load(ordering: .relaxed)) / 1e9
        )
    }
}
