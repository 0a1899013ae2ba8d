import Histograms
import MemoryStore
import Telemetry
import Testing

@testable import CacheAPI
@testable import Console

/// The past of the dashboard, as traces of readings.
struct MetricHistoryTests {
    private static let bounds = LatencyHistogram.boundsInSeconds

    private static func latency(_ values: [Double: Int] = [:]) -> HistogramSnapshot {
        let counts = (0...bounds.count).map { index in index < bounds.count ? values[bounds[index]] ?? 0 : 0 }
        return HistogramSnapshot(bounds: bounds, counts: counts, sum: 0)
    }

    private static func reading(_ milliseconds: Int64, hits: Int = 0, connections: Int = 0, latency: HistogramSnapshot = latency()) -> HistoryReading
    {
        var reading = HistoryReading(time: MonotonicTime(milliseconds: milliseconds), latency: latency)
        reading.counts.hits = hits
        reading.levels.connections = connections
        return reading
    }

    /// A history that was fed every second up to `seconds`, with as many hits since the start as milliseconds.
    private static func history(seconds: Int64) -> MetricHistory {
        var history = MetricHistory(start: MonotonicTime(milliseconds: 0))
        for second in 0...seconds { history.add(self.reading(second * 1000, hits: Int(second * 1000))) }
        return history
    }

    @Test func aSampleIsWhatHappenedBetweenTwoReadings() throws {
        var history = MetricHistory(start: MonotonicTime(milliseconds: 0))
        history.add(Self.reading(1000, hits: 100, latency: Self.latency([0.001: 100])))
        #expect(history.excerpt(since: nil).fine.isEmpty, "one reading has no interval")
        history.add(Self.reading(2500, hits: 300, connections: 7, latency: Self.latency([0.001: 100, 0.000_05: 198, 0.1: 2])))
        let sample = try #require(history.excerpt(since: nil).fine.first)
        #expect(sample.time.milliseconds == 2500 && sample.durationMilliseconds == 1500)
        #expect(sample.hits == 200 && sample.connections == 7)
        #expect(sample.slow == 2)
        // Of 198 values from 25 to 50 us and two from 50 to 100 ms, the hundredth and the 198th.
        #expect(sample.median == 37)
        #expect(sample.percentile99 == 50)
    }

    @Test func aSampleSaysWhoAnsweredReads() throws {
        var history = MetricHistory(start: MonotonicTime(milliseconds: 0))
        var reading = Self.reading(1000, hits: 10)
        history.add(reading)
        reading.time = MonotonicTime(milliseconds: 2000)
        (reading.counts.hits, reading.counts.nearHits, reading.counts.outageHits) = (100, 70, 5)
        reading.nearBytes = 4096
        history.add(reading)
        let sample = try #require(history.excerpt(since: nil).fine.first)
        #expect((sample.hits, sample.nearHits, sample.outageHits) == (90, 70, 5))
        #expect(sample.nearBytes == 4096)
    }

    @Test func noOperationHasNoLatency() throws {
        let sample = try #require(Self.history(seconds: 1).excerpt(since: nil).fine.first)
        #expect(sample.median == nil && sample.percentile99 == nil)
        #expect(sample.redisUsedBytes == nil && sample.processorPermille == nil)
    }

    @Test func everyFifteenthSecondMakesACoarseSample() {
        let excerpt = Self.history(seconds: 45).excerpt(since: nil)
        #expect(excerpt.fine.count == 45)
        #expect(excerpt.coarse.map(\.time.milliseconds) == [15_000, 30_000, 45_000])
        #expect(excerpt.coarse.allSatisfy { $0.hits == 15_000 && $0.durationMilliseconds == 15_000 })
    }

    @Test func readingsThatAreALittleEarlyMakeNoIntervalLonger() {
        var history = MetricHistory(start: MonotonicTime(milliseconds: 0))
        for second in 0...30 { history.add(Self.reading(Int64(second) * 999)) }
        #expect(history.excerpt(since: nil).coarse.map(\.time.milliseconds) == [14_985, 29_970])
    }

    @Test func aCoarseSampleKeepsThePeaks() throws {
        var history = MetricHistory(start: MonotonicTime(milliseconds: 0))
        for second in 0...15 { history.add(Self.reading(Int64(second) * 1000, connections: second == 4 ? 900 : 3)) }
        let excerpt = history.excerpt(since: nil)
        #expect(excerpt.coarse.map(\.connections) == [900])
        #expect(excerpt.fine.map(\.connections).max() == 900 && excerpt.fine.last?.connections == 3)
    }

    @Test func aPauseOfTheProcessIsOneLongInterval() throws {
        var history = MetricHistory(start: MonotonicTime(milliseconds: 0))
        for time in [0, 1000, 601_000] { history.add(Self.reading(Int64(time))) }
        let excerpt = history.excerpt(since: nil)
        #expect(excerpt.fine.map(\.durationMilliseconds) == [1000, 600_000])
        #expect(excerpt.coarse.map(\.durationMilliseconds) == [601_000])
    }

    @Test func aClockThatStandsStillAddsNothing() {
        var history = MetricHistory(start: MonotonicTime(milliseconds: 0))
        for time in [1000, 1000, 900] { history.add(Self.reading(Int64(time))) }
        #expect(history.excerpt(since: nil).fine.isEmpty)
    }

    @Test func theLastFiveMinutesAndSixHoursAreKept() {
        let excerpt = Self.history(seconds: 7 * 3600).excerpt(since: nil)
        #expect(excerpt.fine.count == 300)
        #expect(excerpt.fine.first?.time.milliseconds == 24_901_000)
        #expect(excerpt.fine.last?.time.milliseconds == 25_200_000)
        #expect(excerpt.coarse.count == 6 * 3600 / 15)
        #expect(excerpt.coarse.first?.time.milliseconds == 3_615_000)
        #expect(zip(excerpt.coarse, excerpt.coarse.dropFirst()).allSatisfy { $0.time < $1.time })
    }

    @Test func itTakesLessThanAMebibyte() {
        #expect(MetricHistory.maximumBytes < 1024 * 1024)
        // Nothing that a sample holds is elsewhere: its size is all that it takes.
        #expect(_isPOD(HistorySample.self))
    }

    @Test func onlyWhatHasComeSinceIsSent() {
        let history = Self.history(seconds: 3600)
        let excerpt = history.excerpt(since: MonotonicTime(milliseconds: 3_598_000))
        #expect(excerpt.fine.map(\.time.milliseconds) == [3_599_000, 3_600_000])
        #expect(excerpt.coarse.map(\.time.milliseconds) == [3_600_000])
        #expect(excerpt.marks.isEmpty)
        #expect(history.excerpt(since: history.time).fine.isEmpty)
        #expect(history.excerpt(since: MonotonicTime(milliseconds: -1)).fine.count == 300)
    }
}

struct RingBufferTests {
    @Test func theOldestMakesRoom() {
        var buffer = RingBuffer<Int>(capacity: 3)
        #expect(Array(buffer).isEmpty)
        for (number, expected) in [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (4, [2, 3, 4]), (5, [3, 4, 5]), (6, [4, 5, 6]), (7, [5, 6, 7])] {
            buffer.append(number)
            #expect(Array(buffer) == expected)
            #expect(buffer.last == number && buffer.first == expected.first)
        }
        buffer[0] = 50
        #expect(Array(buffer) == [50, 6, 7])
    }
}
