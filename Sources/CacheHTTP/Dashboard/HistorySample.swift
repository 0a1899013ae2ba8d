import MemoryStore
import Telemetry

/// What happened in one interval, in a fixed number of bytes.
struct HistorySample: Sendable, Equatable {
    /// The promise that answers are measured against, in seconds: a bound of the histogram.
    static let promiseSeconds = 0.05

    /// When the interval ended.
    let time: MonotonicTime
    let durationMilliseconds: Int32

    let hits, misses, sets, deletes, others: UInt32
    let degraded, errors, refusals, deadlinesMissed: UInt32
    let evictions, expirations: UInt32
    /// Operations on one key that took longer than the promise.
    let slow: UInt32

    /// Of the operations on one key, in microseconds; nil if there were none. An estimate from a histogram's buckets.
    let median, percentile99: UInt32?

    /// The largest in the interval.
    let connections, inFlight, redisPending, journalKeys: UInt32

    /// At the end of the interval.
    let memoryEntries: UInt32
    let memoryBytes: Int64
    let residentBytes: Int64?
    /// Processor time in thousandths of one processor.
    let processorPermille: UInt32?
    /// As Redis last said; nil if it is away or does not say.
    let redisUsedBytes, redisMaximumBytes: Int64?
    let redisEvictionsPerSecond: Float?

    /// - Parameters:
    ///   - earlier: at the start of the interval.
    ///   - later: at its end.
    ///   - peaks: the largest levels in between.
    init(from earlier: HistoryReading, to later: HistoryReading, peaks: HistoryReading.Levels) {
        self.time = later.time
        self.durationMilliseconds = Int32(clamping: later.time.milliseconds - earlier.time.milliseconds)
        func increase(_ count: KeyPath<HistoryReading.Counts, Int>) -> UInt32 {
            UInt32(clamping: later.counts[keyPath: count] - earlier.counts[keyPath: count])
        }
        self.hits = increase(\.hits)
        self.misses = increase(\.misses)
        self.sets = increase(\.sets)
        self.deletes = increase(\.deletes)
        self.others = increase(\.others)
        self.degraded = increase(\.degraded)
        self.errors = increase(\.errors)
        self.refusals = increase(\.refusals)
        self.deadlinesMissed = increase(\.deadlinesMissed)
        self.evictions = increase(\.evictions)
        self.expirations = increase(\.expirations)
        var latency = later.latency
        latency.subtract(earlier.latency)
        self.slow = UInt32(clamping: latency.count(above: Self.promiseSeconds))
        self.median = latency.quantile(0.5).map { UInt32(clamping: Int($0 * 1e6)) }
        self.percentile99 = latency.quantile(0.99).map { UInt32(clamping: Int($0 * 1e6)) }
        self.connections = UInt32(clamping: peaks.connections)
        self.inFlight = UInt32(clamping: peaks.inFlight)
        self.redisPending = UInt32(clamping: peaks.redisPending)
        self.journalKeys = UInt32(clamping: peaks.journalKeys)
        self.memoryEntries = UInt32(clamping: later.memoryEntries)
        self.memoryBytes = Int64(later.memoryBytes)
        self.residentBytes = later.process.map { Int64($0.residentBytes) }
        if let before = earlier.process, let now = later.process, self.durationMilliseconds > 0 {
            self.processorPermille = UInt32(clamping: Int((now.cpuSeconds - before.cpuSeconds) * 1_000_000 / Double(self.durationMilliseconds)))
        } else {
            self.processorPermille = nil
        }
        self.redisUsedBytes = later.redisMemory.map { Int64($0.usedBytes) }
        self.redisMaximumBytes = later.redisMemory.map { Int64($0.maximumBytes) }
        self.redisEvictionsPerSecond = later.redisMemory.map { Float($0.evictionsPerSecond) }
    }
}
