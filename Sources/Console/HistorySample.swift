import Cache
import Histograms
import MemoryStore
import RedisClient
import Telemetry

/// What happened in one interval, in a fixed number of bytes.
struct HistorySample: Sendable, Equatable {
    /// The latency objective in seconds: a bucket boundary of the histogram.
    static let objectiveSeconds = 0.05

    /// When the interval ended.
    let time: MonotonicTime
    let durationMilliseconds: Int32

    let hits, misses, sets, deletes, others: UInt32
    /// Hits that a copy of an earlier read answered, and those that memory answered because Redis was unavailable.
    let nearHits, outageHits: UInt32
    let degraded, errors, refusals, deadlinesMissed: UInt32
    let evictions, expirations: UInt32
    let notModified, staleAnswers, outdatedReads: UInt32
    let leasesGiven, leasesHeld, leasesFilled, leasesVoid: UInt32
    /// Operations on one key that took longer than the objective.
    let slow: UInt32

    /// Of the operations on one key, in microseconds; nil if there were none. An estimate from a histogram's buckets.
    let median, percentile99: UInt32?

    /// The largest in the interval.
    let connections, inFlight, redisPending, journalKeys, leaseWaiting: UInt32

    /// At the end of the interval.
    let memoryEntries: UInt32
    let memoryBytes: Int64
    /// nil if no copies are kept.
    let nearBytes: Int64?
    let residentBytes: Int64?
    /// Processor time in thousandths of one processor.
    let processorPermille: UInt32?
    /// As Redis last reported; nil if it is unavailable or does not report it.
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
        self.nearHits = increase(\.nearHits)
        self.outageHits = increase(\.outageHits)
        self.sets = increase(\.sets)
        self.deletes = increase(\.deletes)
        self.others = increase(\.others)
        self.degraded = increase(\.degraded)
        self.errors = increase(\.errors)
        self.refusals = increase(\.refusals)
        self.deadlinesMissed = increase(\.deadlinesMissed)
        self.evictions = increase(\.evictions)
        self.expirations = increase(\.expirations)
        self.notModified = increase(\.notModified)
        self.staleAnswers = increase(\.staleAnswers)
        self.outdatedReads = increase(\.outdatedReads)
        self.leasesGiven = increase(\.leasesGiven)
        self.leasesHeld = increase(\.leasesHeld)
        self.leasesFilled = increase(\.leasesFilled)
        self.leasesVoid = increase(\.leasesVoid)
        var latency = later.latency
        latency.subtract(earlier.latency)
        self.slow = UInt32(clamping: latency.count(above: Self.objectiveSeconds))
        self.median = latency.quantile(0.5).map { UInt32(clamping: Int($0 * 1e6)) }
        self.percentile99 = latency.quantile(0.99).map { UInt32(clamping: Int($0 * 1e6)) }
        self.connections = UInt32(clamping: peaks.connections)
        self.inFlight = UInt32(clamping: peaks.inFlight)
        self.redisPending = UInt32(clamping: peaks.redisPending)
        self.journalKeys = UInt32(clamping: peaks.journalKeys)
        self.leaseWaiting = UInt32(clamping: peaks.leaseWaiting)
        self.memoryEntries = UInt32(clamping: later.memoryEntries)
        self.memoryBytes = Int64(later.memoryBytes)
        self.nearBytes = later.nearBytes.map { Int64($0) }
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
struct HistoryReading: Sendable {
    /// Counts since the start of the process.
    struct Counts: Sendable {
        var hits = 0
        var misses = 0
        /// Hits that a copy of an earlier read answered.
        var nearHits = 0
        /// Hits that memory answered because Redis was unavailable.
        var outageHits = 0
        var sets = 0
        var deletes = 0
        /// Invalidations, requests for statistics, and reads that the store refused.
        var others = 0
        /// Responses from the embedded store while Redis was unavailable.
        var degraded = 0
        /// 5xx responses, excluding 501 (unsupported transfer coding).
        var errors = 0
        /// Connections and requests refused because a limit was reached.
        var refusals = 0
        var evictions = 0
        var expirations = 0
        /// Commands that Redis did not answer in time.
        var deadlinesMissed = 0
        /// 304 responses.
        var notModified = 0
        /// Values answered after their time to live.
        var staleAnswers = 0
        /// Reads that found only a value with an invalidated tag.
        var outdatedReads = 0
        var leasesGiven = 0
        /// Reads that heard of somebody else's lease.
        var leasesHeld = 0
        var leasesFilled = 0
        /// Uses of a lease that no longer stood.
        var leasesVoid = 0
    }

    /// Current quantities.
    struct Levels: Sendable {
        var connections = 0
        /// Requests waiting for a store or in the router.
        var inFlight = 0
        /// Commands waiting for a reply from Redis.
        var redisPending = 0
        /// Keys waiting to be replayed to Redis.
        var journalKeys = 0
        /// Requests that wait for a value which another client computes.
        var leaseWaiting = 0

        /// The larger of each.
        func maximum(_ other: Levels) -> Levels {
            Levels(
                connections: max(self.connections, other.connections), inFlight: max(self.inFlight, other.inFlight),
                redisPending: max(self.redisPending, other.redisPending), journalKeys: max(self.journalKeys, other.journalKeys),
                leaseWaiting: max(self.leaseWaiting, other.leaseWaiting))
        }
    }

    var time: MonotonicTime
    var counts = Counts()
    var levels = Levels()
    /// How long the operations on one key took, in seconds.
    var latency: HistogramSnapshot
    var memoryEntries = 0
    var memoryBytes = 0
    /// Bytes of copies of reads; nil if none are kept.
    var nearBytes: Int?
    /// User and system time of the process in seconds, and its resident bytes; nil on a system without `/proc`.
    var process: (cpuSeconds: Double, residentBytes: Int)?
    /// nil if Redis is unavailable, not configured, or does not report it.
    var redisMemory: RedisMemory?
    /// The state of Redis; nil if none is configured.
    var outage: OutageReport?
}

/// The memory that Redis last reported.
struct RedisMemory: Sendable, Equatable {
    var usedBytes: Int
    /// 0 means no limit.
    var maximumBytes: Int
    /// Keys evicted by Redis since it started.
    var evictions: Int
    /// Evictions per second between the last two reports.
    var evictionsPerSecond: Double

    /// - Parameters:
    ///   - previous: the report before, and how many seconds ago it was.
    init?(_ information: RedisInformation, previous: (memory: RedisMemory, seconds: Double)?) {
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
