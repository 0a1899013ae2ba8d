import Cache
import MemoryStore
import RedisClient
import Telemetry

/// What the service has counted by one moment, and how it is then: what the history is made from.
struct HistoryReading: Sendable {
    /// Counts since the start of the process.
    struct Counts: Sendable {
        var hits = 0
        var misses = 0
        var sets = 0
        var deletes = 0
        /// Invalidations and requests for statistics, and reads that the store refused.
        var others = 0
        /// Answers from the embedded store while Redis was away.
        var degraded = 0
        /// Answers of 500 and above, but for 501.
        var errors = 0
        /// Connections and requests refused at a bound.
        var refusals = 0
        var evictions = 0
        var expirations = 0
        /// Commands that Redis did not answer in time.
        var deadlinesMissed = 0
    }

    /// How much there is at the moment.
    struct Levels: Sendable {
        var connections = 0
        /// Requests that wait for a store or in the router.
        var inFlight = 0
        /// Commands that Redis owes a reply to.
        var redisPending = 0
        /// Keys that wait to be replayed to Redis.
        var journalKeys = 0

        /// The larger of each.
        func maximum(_ other: Levels) -> Levels {
            Levels(
                connections: max(self.connections, other.connections), inFlight: max(self.inFlight, other.inFlight),
                redisPending: max(self.redisPending, other.redisPending), journalKeys: max(self.journalKeys, other.journalKeys))
        }
    }

    var time: MonotonicTime
    var counts = Counts()
    var levels = Levels()
    /// How long the operations on one key took, in seconds.
    var latency: HistogramSnapshot
    var memoryEntries = 0
    var memoryBytes = 0
    /// User and system time of the process in seconds, and its resident bytes; nil on a system without `/proc`.
    var process: (cpuSeconds: Double, residentBytes: Int)?
    /// nil if Redis is away or does not say, or none is configured.
    var redisMemory: RedisMemory?
    /// How Redis is; nil if none is configured.
    var outage: OutageReport?
}

/// What Redis last said of its memory.
struct RedisMemory: Sendable, Equatable {
    var usedBytes: Int
    /// 0 means without a bound.
    var maximumBytes: Int
    /// Keys evicted by Redis since it started.
    var evictions: Int
    /// The same as a rate a second, between the last two answers.
    var evictionsPerSecond: Double

    /// - Parameters:
    ///   - previous: what Redis said before, and how many seconds ago.
    init?(_ information: RedisInformation, previous: (memory: RedisMemory, seconds: Double)?) {
        guard let used = information.usedMemoryBytes else { return nil }
        self.usedBytes = Int(used)
        self.maximumBytes = Int(information.maximumMemoryBytes ?? 0)
        self.evictions = Int(information.evictedKeys ?? 0)
        self.evictionsPerSecond = 0
        guard let previous, previous.seconds > 0 else { return }
        // Another server, or the same after a restart, counts from zero.
        self.evictionsPerSecond = Double(max(0, self.evictions - previous.memory.evictions)) / previous.seconds
    }
}
