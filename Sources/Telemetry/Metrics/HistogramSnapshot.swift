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
}
