import Histograms
import Testing

struct LatencyHistogramTests {
    @Test func aBoundBelongsToItsBucket() {
        let histogram = LatencyHistogram()
        for nanoseconds in [0, 10_000, 10_001, 50_000_000, 50_000_001, .max / 2] { histogram.record(nanoseconds: nanoseconds) }
        let snapshot = histogram.snapshot
        #expect(snapshot.count == 6)
        #expect(snapshot.counts.first == 2)
        #expect(snapshot.counts[1] == 1)
        let promise = snapshot.bounds.firstIndex(of: 0.05)
        #expect(promise.map { snapshot.counts[$0] } == 1)
        #expect(promise.map { snapshot.counts[$0 + 1] } == 1)
        #expect(snapshot.counts.last == 1)
    }

    @Test func boundsRise() {
        let bounds = LatencyHistogram.boundsInSeconds
        #expect(bounds == bounds.sorted() && Set(bounds).count == bounds.count)
        #expect(bounds.count { $0 < 0.001 } >= 6, "fine below a millisecond")
    }

    @Test func nothingIsLostBetweenThreads() async {
        let shared = SharedHistogram()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { for number in 1...10_000 { shared.histogram.record(nanoseconds: number) } } }
        }
        #expect(shared.histogram.snapshot.count == 40_000)
        #expect(shared.histogram.snapshot.sum == 4 * 50_005_000 / 1e9)
    }

    @Test func readingsAddUp() {
        let histogram = LatencyHistogram()
        histogram.record(nanoseconds: 20_000)
        var sum = histogram.snapshot
        sum.add(histogram.snapshot)
        #expect(sum.count == 2 && sum.counts[1] == 2 && sum.sum == 0.00004)
    }

    @Test func whatHappenedBetweenTwoReadingsIsTheirDifference() {
        let histogram = LatencyHistogram()
        histogram.record(nanoseconds: 20_000)
        let earlier = histogram.snapshot
        histogram.record(nanoseconds: 2_000_000)
        var later = histogram.snapshot
        later.subtract(earlier)
        #expect(later.count == 1 && later.counts[1] == 0 && later.counts[7] == 1)
    }

    @Test(arguments: [
        (share: 0, value: 0), (share: 0.25, value: 1), (share: 0.5, value: 1.5), (share: 0.75, value: 2), (share: 0.9, value: 4),
        (share: 1, value: 4),
    ]) func aQuantileLiesInItsBucket(_ share: Double, _ value: Double) {
        // Four values: one up to 1, two evenly from 1 to 2, one above all bounds.
        let snapshot = HistogramSnapshot(bounds: [1, 2, 3, 4], counts: [1, 2, 0, 0, 1], sum: 0)
        #expect(snapshot.quantile(share) == value)
    }

    @Test func ofNothingThereIsNoQuantile() {
        #expect(HistogramSnapshot(bounds: [1, 2], counts: [0, 0, 0], sum: 0).quantile(0.5) == nil)
    }

    @Test func whatIsAboveABoundIsCounted() {
        let snapshot = HistogramSnapshot(bounds: [1, 2, 3], counts: [1, 2, 4, 8], sum: 0)
        #expect([0.5, 1, 2, 3].map { snapshot.count(above: $0) } == [15, 14, 12, 8])
    }
}

/// A histogram that tasks can share.
private final class SharedHistogram: Sendable {
    let histogram = LatencyHistogram()
}
