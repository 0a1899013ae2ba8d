package import MemoryStore
package import RedisClient

/// How the outage stands, for `/health`, the metrics and the log.
package struct OutageReport: Sendable {
    /// As `/health` and the metrics name it.
    package enum State: String, Sendable, CaseIterable {
        case connected, outage, replay
    }

    /// How the last replay went.
    package struct Replay: Sendable, Hashable {
        /// When it ended.
        package var end: MonotonicTime
        package var durationMilliseconds: Int64
        /// Keys that were replayed to Redis.
        package var keys: Int
        /// Patterns that were invalidated.
        package var patterns: Int
        /// Keys and patterns that Redis refused for good.
        package var refused: Int
        /// Whether everything was deleted, because the journal had reached its bound.
        package var isPurge: Bool
    }

    package var state: State
    /// Since when Redis is there or away.
    package var since: MonotonicTime
    /// Why Redis is away; nil if it is there.
    package var reason: OutageReason?
    /// Whether keys outside the journal are asked of Redis.
    package var isRedisAsked: Bool
    package var journalKeys: Int
    package var journalPatterns: Int
    package var journalBytes: Int
    /// Since when the journal holds something.
    package var journalOldest: MonotonicTime?
    /// Whether the journal has given up its records for the duty to delete everything.
    package var mustPurge: Bool
    package var lastReplay: Replay?
    /// Outages so far, the one at the start included.
    package var outages: Int
    package var failedAttempts: Int
    package var journalOverflows: Int
    /// Keys that were replayed to Redis, in all replays.
    package var replayedKeys: Int
    package var replayedPatterns: Int
    package var purges: Int
    /// Keys of the journal that Redis refused for good.
    package var refusedKeys: [ReplayRefusal: Int]
    /// Patterns of the journal that Redis refused, as a whole or for some keys.
    package var refusedPatterns: Int
}

extension OutageReport {
    /// Of all shards together: away if any is away, since the first is.
    init(_ shards: [ShardReport]) {
        let reports = shards.map(\.outage)
        let away = reports.filter { $0.state != .connected }
        // The worst first: what is looked for, then what is being replayed.
        let worst = away.first { $0.state == .outage } ?? away.first ?? reports.max { $0.since < $1.since }
        self = worst ?? OutageStateMachine(OutageSettings(), now: .now).report
        if let since = away.map(\.since).min() { self.since = since }
        self.isRedisAsked = reports.contains { $0.isRedisAsked }
        self.journalKeys = reports.reduce(0) { $0 + $1.journalKeys }
        self.journalPatterns = reports.reduce(0) { $0 + $1.journalPatterns }
        self.journalBytes = reports.reduce(0) { $0 + $1.journalBytes }
        self.journalOldest = reports.compactMap(\.journalOldest).min()
        self.mustPurge = reports.contains { $0.mustPurge }
        self.lastReplay = reports.compactMap(\.lastReplay).max { $0.end < $1.end }
        self.outages = reports.reduce(0) { $0 + $1.outages }
        self.failedAttempts = reports.reduce(0) { $0 + $1.failedAttempts }
        self.journalOverflows = reports.reduce(0) { $0 + $1.journalOverflows }
        self.replayedKeys = reports.reduce(0) { $0 + $1.replayedKeys }
        self.replayedPatterns = reports.reduce(0) { $0 + $1.replayedPatterns }
        self.purges = reports.reduce(0) { $0 + $1.purges }
        self.refusedKeys = reports.reduce(into: [:]) { $0.merge($1.refusedKeys, uniquingKeysWith: +) }
        self.refusedPatterns = reports.reduce(0) { $0 + $1.refusedPatterns }
    }
}

extension OutageStateMachine {
    var report: OutageReport {
        let state: OutageReport.State =
            switch self.state.phase {
            case .connected: .connected
            case .outage: .outage
            case .replay: .replay
            }
        return OutageReport(
            state: state,
            since: self.since,
            reason: state == .connected ? nil : self.reason,
            isRedisAsked: self.state.asksRedis,
            journalKeys: self.journal.keyCount,
            journalPatterns: self.journal.patterns.count,
            journalBytes: self.journal.bytes,
            journalOldest: self.journal.oldest,
            mustPurge: self.journal.mustPurge,
            lastReplay: self.counters.lastReplay,
            outages: self.counters.outages,
            failedAttempts: self.counters.failedAttempts,
            journalOverflows: self.journal.overflows,
            replayedKeys: self.counters.replayedKeys,
            replayedPatterns: self.counters.replayedPatterns,
            purges: self.counters.purges,
            refusedKeys: self.counters.refusedKeys,
            refusedPatterns: self.counters.refusedPatterns
        )
    }
}

/// What the state machine counts.
struct OutageCounters {
    /// How the replay goes that is under way.
    struct Replay {
        let begin: MonotonicTime
        var keys = 0
        var patterns = 0
        var refused = 0
        var isPurge = false
    }

    /// The outage at the start included.
    var outages = 1
    var failedAttempts = 0
    var replay: Replay?
    private(set) var lastReplay: OutageReport.Replay?
    private(set) var replayedKeys = 0
    private(set) var replayedPatterns = 0
    private(set) var purges = 0
    var refusedKeys: [ReplayRefusal: Int] = [:]
    var refusedPatterns = 0

    /// Whether the first attempt to reach Redis has ended, well or not.
    var isFirstAttemptOver: Bool { self.failedAttempts > 0 || self.lastReplay != nil }

    mutating func replayedKey() {
        self.replayedKeys += 1
        self.replay?.keys += 1
    }

    mutating func replayedPattern() {
        self.replayedPatterns += 1
        self.replay?.patterns += 1
    }

    mutating func purged() {
        self.purges += 1
        self.replay?.isPurge = true
    }

    mutating func endReplay(_ now: MonotonicTime) -> OutageReport.Replay {
        let replay = self.replay ?? Replay(begin: now)
        let ended = OutageReport.Replay(
            end: now, durationMilliseconds: now.milliseconds - replay.begin.milliseconds, keys: replay.keys, patterns: replay.patterns,
            refused: replay.refused, isPurge: replay.isPurge)
        self.replay = nil
        self.lastReplay = ended
        return ended
    }
}

/// Why Redis counts as away.
package enum OutageReason: Sendable, Hashable {
    /// The process has just started.
    case starting
    /// So many commands in a row were not answered in time.
    case deadlines
    /// More commands wait for an answer than may.
    case overloaded
    /// More writes were not answered in time than the journal remembers.
    case journalFull
    /// No node of the cluster serves these slots.
    case uncovered
    /// Slots have come from a shard that was away, and what it had missed comes with them.
    case slotsMoved
    /// Another node serves the shard.
    case failedOver
    /// What the connection met with.
    case failure(RedisFailure)

    /// One word for metrics and `/health`: no host, no secret, nothing that a server or client made up.
    package var code: String {
        switch self {
        case .starting: return "starting"
        case .deadlines: return "deadline_exceeded"
        case .overloaded: return "queue_full"
        case .journalFull: return "journal_full"
        case .uncovered: return "slots_uncovered"
        case .slotsMoved: return "slots_moved"
        case .failedOver: return "failed_over"
        case .failure(let failure):
            if let prefix = failure.serverErrorPrefix { return Self.code(ofServerError: prefix) }
            switch failure.code {
            case .connectFailed: return "connect_failed"
            case .unresponsive: return "unresponsive"
            case .tlsFailed: return "tls_failed"
            case .connectionClosed, .notConnected: return "connection_lost"
            case .deadlineExceeded: return "deadline_exceeded"
            case .queueFull: return "queue_full"
            case .authenticationFailed: return "authentication_failed"
            case .iamUnavailable: return "iam_unavailable"
            case .databaseRefused: return "database_refused"
            case .protocolViolation, .unexpectedReply: return "protocol_violation"
            default: return "failed"
            }
        }
    }

    /// The same as a sentence for whoever looks at `/health`.
    package var sentence: String {
        switch self.code {
        case "starting": "The service has just started"
        case "deadline_exceeded": "Redis does not answer in time"
        case "queue_full": "Too many commands wait for Redis"
        case "slots_uncovered": "No node of the cluster serves these slots"
        case "slots_moved": "Slots are moving from one node of the cluster to another"
        case "failed_over": "Another node serves these slots now"
        case "journal_full": "More writes wait to be replayed to Redis than can be remembered"
        case "connect_failed": "Redis cannot be reached"
        case "unresponsive": "Redis accepts connections but does not answer"
        case "tls_failed": "The connection to Redis cannot be encrypted: a certificate is not trusted or cannot be used"
        case "connection_lost": "The connection to Redis was lost"
        case "authentication_failed": "Redis refuses the user or the password"
        case "iam_unavailable": "Redis cannot check the access token at the moment"
        case "database_refused": "Redis has no database of the configured number; a cluster has database 0 only"
        case "not_permitted": "Redis does not permit this user a command that the cache needs"
        case "read_only": "Redis is read-only"
        case "loading": "Redis is loading its data"
        case "master_down": "Redis has lost its master"
        case "cluster_down": "The Redis cluster is down"
        case "busy": "Redis is busy with a script"
        case "protocol_violation": "What answers is not Redis"
        default: "Redis answers with an error"
        }
    }

    /// Whether a node says, over a connection that lives, that the cluster is down.
    var isClusterDown: Bool {
        guard case .failure(let failure) = self else { return false }
        return failure.isClusterDown
    }

    /// Whether asking often cannot help, because a person has to change something.
    var isConfiguration: Bool { ["authentication_failed", "not_permitted", "database_refused", "tls_failed"].contains(self.code) }

    /// Closed, so that a strange server cannot make labels up.
    private static func code(ofServerError prefix: String) -> String {
        switch prefix {
        case "READONLY": "read_only"
        case "LOADING": "loading"
        case "MASTERDOWN": "master_down"
        case "CLUSTERDOWN": "cluster_down"
        case "MOVED", "ASK": "slots_moved"
        case "NOAUTH", "WRONGPASS": "authentication_failed"
        case "NOPERM": "not_permitted"
        case "BUSY": "busy"
        default: "server_error"
        }
    }
}
