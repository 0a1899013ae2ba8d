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

    /// Takes an earlier reading of the same histogram away: what remains happened in between.
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
    /// An estimate, as of Prometheus's `histogram_quantile`: values are taken to lie evenly within their bucket, and those above the last bound on it.
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
