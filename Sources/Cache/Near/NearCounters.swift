package import Histograms
import Synchronization

/// What happened to copies on one event loop, readable from any thread.
package final class NearCounters: Sendable {
    /// What is counted.
    package enum Event: Int, Sendable, CaseIterable {
        case kept, fenced, unsuitable
        /// A read that shared the answer of another.
        case shared
        case pushOfKeys, pushOfEverything, otherPush
        /// More keys were pushed than could be dropped one by one.
        case pushOverflow
        /// Keys in pushes.
        case invalidatedKey
        /// A connection that vouched for copies has ended, or did not answer.
        case lostConnection, silence
    }

    private let counts = InlineArray<11, Atomic<Int>> { _ in Atomic(0) }
    private let ages = AgeHistogram()

    package init() {}

    func record(_ event: Event, by count: Int = 1) { self.counts[event.rawValue].add(count, ordering: .relaxed) }

    /// Records the age of a copy that was answered.
    func recordHit(ageMilliseconds: Int64) { self.ages.record(milliseconds: Int(ageMilliseconds)) }

    /// The counts now.
    package var snapshot: NearCountersSnapshot {
        NearCountersSnapshot(counts: self.counts.indices.map { self.counts[$0].load(ordering: .relaxed) }, ages: self.ages.snapshot)
    }
}

/// A reading of the counters of one event loop, or the sum of several.
package struct NearCountersSnapshot: Sendable {
    private var counts = [Int](repeating: 0, count: NearCounters.Event.allCases.count)
    /// Of the copies that were answered, in seconds.
    package private(set) var ages = AgeHistogram().snapshot

    package init() {}

    init(counts: [Int], ages: HistogramSnapshot) {
        self.counts = counts
        self.ages = ages
    }

    package func count(_ event: NearCounters.Event) -> Int { self.counts[event.rawValue] }

    /// Adds the reading of another event loop.
    package mutating func add(_ other: NearCountersSnapshot) {
        for index in self.counts.indices { self.counts[index] += other.counts[index] }
        self.ages.add(other.ages)
    }
}

/// Counts ages by magnitude: one addition to the bucket and one to the sum.
private struct AgeHistogram: ~Copyable, Sendable {
    /// Upper bounds in milliseconds.
    private static let bounds: InlineArray<8, Int> = [10, 100, 1000, 5000, 15_000, 60_000, 300_000, 3_600_000]

    private let counts = InlineArray<9, Atomic<Int>> { _ in Atomic(0) }
    private let total = Atomic<Int>(0)

    func record(milliseconds: Int) {
        var index = 0
        while index < Self.bounds.count, milliseconds > Self.bounds[index] { index += 1 }
        self.counts[index].add(1, ordering: .relaxed)
        self.total.add(milliseconds, ordering: .relaxed)
    }

    var snapshot: HistogramSnapshot {
        HistogramSnapshot(
            bounds: Self.bounds.indices.map { Double(Self.bounds[$0]) / 1000 },
            counts: self.counts.indices.map { self.counts[$0].load(ordering: .relaxed) }, sum: Double(self.total.load(ordering: .relaxed)) / 1000)
    }
}
