package import Cache
package import Histograms
package import MemoryStore
package import RedisClient
import Telemetry

/// What happened in one interval, in a fixed number of bytes.
package struct HistorySample: Sendable, Equatable {
    /// The latency objective in seconds: a bucket boundary of the histogram.
    package static let objectiveSeconds = 0.05

    /// When the interval ended.
    package let time: MonotonicTime
    package let durationMilliseconds: Int32

    package let hits, misses, sets, deletes, others: UInt32
    package let degraded, errors, refusals, deadlinesMissed: UInt32
    package let evictions, expirations: UInt32
    /// Operations on one key that took longer than the objective.
    package let slow: UInt32

    /// Of the operations on one key, in microseconds; nil if there were none. An estimate from a histogram's buckets.
    package let median, percentile99: UInt32?

    /// The largest in the interval.
    package let connections, inFlight, redisPending, journalKeys: UInt32

    /// At the end of the interval.
    package let memoryEntries: UInt32
    package let memoryBytes: Int64
    package let residentBytes: Int64?
    /// Processor time in thousandths of one processor.
    package let processorPermille: UInt32?
    /// As Redis last reported; nil if it is unavailable or does not report it.
    package let redisUsedBytes, redisMaximumBytes: Int64?
    package let redisEvictionsPerSecond: Float?

    /// - Parameters:
    ///   - earlier: at the start of the interval.
    ///   - later: at its end.
    ///   - peaks: the largest levels in between.
    package init(from earlier: HistoryReading, to later: HistoryReading, peaks: HistoryReading.Levels) {
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
        self.slow = UInt32(clamping: latency.count(above: Self.objectiveSeconds))
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

/// The counters and levels of the service at one moment, from which the history is made.
package struct HistoryReading: Sendable {
    /// Counts since the start of the process.
    package struct Counts: Sendable {
        package var hits = 0
        package var misses = 0
        package var sets = 0
        package var deletes = 0
        /// Invalidations, requests for statistics, and reads that the store refused.
        package var others = 0
        /// Responses from the embedded store while Redis was unavailable.
        package var degraded = 0
        /// 5xx responses, excluding 501 (unsupported transfer coding).
        package var errors = 0
        /// Connections and requests refused because a limit was reached.
        package var refusals = 0
        package var evictions = 0
        package var expirations = 0
        /// Commands that Redis did not answer in time.
        package var deadlinesMissed = 0
    }

    /// Current quantities.
    package struct Levels: Sendable {
        package var connections = 0
        /// Requests waiting for a store or in the router.
        package var inFlight = 0
        /// Commands waiting for a reply from Redis.
        package var redisPending = 0
        /// Keys waiting to be replayed to Redis.
        package var journalKeys = 0

        /// The larger of each.
        package func maximum(_ other: Levels) -> Levels {
            Levels(
                connections: max(self.connections, other.connections), inFlight: max(self.inFlight, other.inFlight),
                redisPending: max(self.redisPending, other.redisPending), journalKeys: max(self.journalKeys, other.journalKeys))
        }
    }

    package var time: MonotonicTime
    package var counts = Counts()
    package var levels = Levels()
    /// How long the operations on one key took, in seconds.
    package var latency: HistogramSnapshot
    package var memoryEntries = 0
    package var memoryBytes = 0
    /// User and system time of the process in seconds, and its resident bytes; nil on a system without `/proc`.
    package var process: (cpuSeconds: Double, residentBytes: Int)?
    /// nil if Redis is unavailable, not configured, or does not report it.
    package var redisMemory: RedisMemory?
    /// The state of Redis; nil if none is configured.
    package var outage: OutageReport?
}

/// The memory that Redis last reported.
package struct RedisMemory: Sendable, Equatable {
    package var usedBytes: Int
    /// 0 means no limit.
    package var maximumBytes: Int
    /// Keys evicted by Redis since it started.
    package var evictions: Int
    /// Evictions per second between the last two reports.
    package var evictionsPerSecond: Double

    /// - Parameters:
    ///   - previous: the report before, and how many seconds ago it was.
    package init?(_ information: RedisInformation, previous: (memory: RedisMemory, seconds: Double)?) {
        guard let used = information.usedMemoryBytes else { return nil }
        self.usedBytes = Int(used)
        self.maximumBytes = Int(information.maximumMemoryBytes ?? 0)
        self.evictions = Int(information.evictedKeys ?? 0)
        self.evictionsPerSecond = 0
        guard let previous, previous.seconds > 0 else { return }
        // Another server, or the same one after a restart, counts from zero.
        self.evictionsPerSecond = Double(max(0, self.evictions - previous.memory.evictions)) / previous.seconds
    }
}
