import Synchronization

/// Counts durations by magnitude. Recording is one atomic addition to the bucket and one to the sum: no lock, no allocation. Buckets are cumulated
/// when they are read, not when a duration is recorded.
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

    /// Counts a duration, or several that are the same. O(1).
    package func record(nanoseconds: Int, count: Int = 1) {
        var index = 0
        while index < Self.bounds.count, nanoseconds > Self.bounds[index] { index += 1 }
        self.counts[index].add(count, ordering: .relaxed)
        self.total.add(nanoseconds &* count, ordering: .relaxed)
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

/// A reading of a histogram, or the sum of several with the same bounds.
package struct HistogramSnapshot: Sendable, Equatable {
    /// Upper bounds of the buckets, in the unit of the family; the last bucket has none.
    package let bounds: [Double]
    /// How many values fell into each bucket: one more than there are bounds. Not cumulated.
    package private(set) var counts: [Int]
    package private(set) var sum: Double

    package init(bounds: [Double], counts: [Int], sum: Double) {
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }

    /// How many values there were.
    package var count: Int { self.counts.reduce(0, +) }

    /// Adds a reading with the same bounds.
    package mutating func add(_ other: HistogramSnapshot) {
        for index in self.counts.indices { self.counts[index] += other.counts[index] }
        self.sum += other.sum
    }

    /// Subtracts an earlier reading of the same histogram: what remains happened in between.
    package mutating func subtract(_ earlier: HistogramSnapshot) {
        for index in self.counts.indices { self.counts[index] -= earlier.counts[index] }
        self.sum -= earlier.sum
    }

    /// How many values were above `bound`, which is one of `bounds`.
    package func count(above bound: Double) -> Int {
        zip(self.bounds, self.counts).reduce(self.count) { rest, bucket in bucket.0 <= bound ? rest - bucket.1 : rest }
    }

    /// The value that a share of the values does not exceed, in the unit of the family; nil if there are none.
    ///
    /// An estimate, as of Prometheus's `histogram_quantile`: values are taken to lie evenly within their bucket, and those above the last bound on
    /// it.
    /// - Parameter share: 0 to 1.
    package func quantile(_ share: Double) -> Double? {
        let count = self.count
        guard count > 0, let last = self.bounds.last else { return nil }
        var rank = share * Double(count)
        for (index, bound) in self.bounds.enumerated() where self.counts[index] > 0 {
            let inBucket = Double(self.counts[index])
            guard rank > inBucket else {
                let low = index == 0 ? 0 : self.bounds[index - 1]
                return low + (bound - low) * rank / inBucket
            }
            rank -= inBucket
        }
        return last
    }
}
