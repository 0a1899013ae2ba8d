package import NIOCore

/// When Redis counts as away, what is remembered until it is back, and how it is taken back.
package struct OutageSettings: Sendable, Hashable {
    /// Deadlines in a row on one connection after which Redis counts as away. 1 to 1,000.
    package var deadlinesInARow = 8
    /// What becomes of values written meanwhile.
    package var writes = OutageWrites.invalidate
    /// What a read of a key is answered that was not written meanwhile.
    package var reads = OutageReads.near
    /// How long after the loss of Redis what was last known is answered. 0 s to 1 day.
    package var staleLimit = TimeAmount.seconds(300)
    /// Keys that are remembered; beyond it everything is deleted when Redis is back. 1 to 10,000,000.
    package var journalKeys = 100_000
    /// Patterns that are remembered, each a walk over all keys when Redis is back; beyond it everything is deleted. 1 to 10,000.
    package var journalPatterns = 100
    /// Bytes of keys and patterns with their bookkeeping; beyond it everything is deleted. 1 KiB to 1 GiB.
    package var journalBytes = 32 * 1024 * 1024
    /// Writes that Redis acknowledged in this time before it was lost, at least, are invalidated if another server answers afterwards; with
    /// `invalidate` only. 0 to 60 s; with 0, none are.
    package var recentWritesSpan = TimeAmount.seconds(2)
    /// The same in a cluster: a master that is cut off from the others takes writes, which are lost, for about `cluster-node-timeout` (15 s).
    package var recentWritesSpanInCluster = TimeAmount.seconds(20)
    /// Bytes of the keys of those writes, over all event loops; if there are more, everything is deleted when another server answers. 4 KiB to 1 GiB.
    package var recentWritesBytes = 16 * 1024 * 1024
    /// How long to wait for what may still be under way to Redis, if Redis cannot be made to drop it; a random time between half of it and all.
    /// 0 to 10 s.
    package var barrier = TimeAmount.milliseconds(100)
    /// Bound of the first pause between attempts to reach Redis; doubles, with full jitter. 1 ms to 60 s.
    package var pauseBase = TimeAmount.milliseconds(50)
    /// Bound of any such pause. `pauseBase` to 60 s.
    package var pauseCap = TimeAmount.seconds(1)

    package init() {}

    /// How long writes are remembered. A single instance that restores values has no use for it: it would delete what it has written.
    func effectiveRecentWritesSpan(inCluster: Bool) -> TimeAmount {
        guard self.writes == .invalidate else { return .zero }
        return inCluster ? self.recentWritesSpanInCluster : self.recentWritesSpan
    }
}

/// What becomes of a value that was written while Redis was away, once it is back. Deletions are always carried out.
package enum OutageWrites: String, Sendable, CaseIterable {
    /// The key is deleted, so that the next reader fills it anew. Right for any number of instances: it cannot bring an older value back.
    case invalidate
    /// The value is written with what remains of its time to live. Right for a single instance only: of two that wrote the same key, the one that
    /// comes back last would win, and a key that a third has deleted meanwhile would rise again.
    case restore
}

/// What a read is answered while Redis is away, unless the key was written meanwhile.
package enum OutageReads: String, Sendable, CaseIterable {
    /// What was last known when Redis was lost, if a copy was kept; see `NearCache`.
    case near
    /// That there is no value.
    case miss
}
