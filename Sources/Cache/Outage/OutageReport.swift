package import MemoryStore

/// How the outage stands, for `/health`, the metrics and the log.
package struct OutageReport: Sendable {
    /// As `/health` and the metrics name it.
    package enum State: String, Sendable, CaseIterable {
        case connected, outage, replay
    }

    /// How the last replay went.
    package struct Replay: Sendable {
        /// When it ended.
        package var end: MonotonicTime
        package var durationMilliseconds: Int64
        /// Keys that Redis was told of.
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
    /// Why Redis is away; nil where it is there.
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
    /// Keys that Redis was told of, in all replays.
    package var replayedKeys: Int
    package var replayedPatterns: Int
    package var purges: Int
    /// Keys of the journal that Redis refused for good.
    package var refusedKeys: [ReplayRefusal: Int]
    /// Patterns of the journal that Redis refused, as a whole or for some keys.
    package var refusedPatterns: Int
}
