package import NIOCore

/// Which reads are kept, and for how long.
package struct NearCacheSettings: Sendable, Hashable {
    /// What keeps copies true.
    package var mode = NearCacheMode.auto
    /// Bytes of all copies with their bookkeeping. 64 KiB to 32 GiB.
    package var maximumBytes = 256 << 20
    /// After this time a key is read from Redis again, so that Redis knows what is in use. 1 s to 1 day.
    package var maximumAge = TimeAmount.seconds(60)
    /// How long it may be remembered that a key has no value. 0 to 60 s; with 0, it is not.
    package var absenceAge = TimeAmount.seconds(5)
    /// The same in a cluster: a slot that moves tells nobody that a key which had no value has one now.
    package var absenceAgeInCluster = TimeAmount.seconds(1)
    /// Larger values are not kept. 0 to 64 MiB.
    package var maximumValueBytes = 256 << 10
    /// How old a copy may be that nothing keeps true; with `ttl` only. 0 to 60 s; with 0, there are no copies.
    package var timeToLive = TimeAmount.zero
    /// How often a connection that vouches for copies is asked for a sign of life. 10 ms to 60 s.
    package var signOfLifeInterval = TimeAmount.seconds(1)
    /// Keys of which Redis has said that they have changed, and whose copies are still to be dropped, on each event loop; beyond it all copies of the
    /// connection end. 256 to 1,048,576.
    package var maximumPushedKeys = 65_536

    package init() {}

    /// How old a copy may be that is answered as current.
    var effectiveMaximumAge: TimeAmount { self.mode == .ttl ? min(self.timeToLive, self.maximumAge) : self.maximumAge }

    /// Whether anything is kept at all.
    package var isEnabled: Bool { self.mode == .auto || (self.mode == .ttl && self.timeToLive > .zero) }
}

/// What keeps the copies of reads true.
package enum NearCacheMode: String, Sendable, CaseIterable {
    /// Redis, which says when they are not (`CLIENT TRACKING`); if it refuses to, there are no copies.
    case auto
    /// There are no copies.
    case off
    /// Nothing: a copy is answered for a short time, and may be old for as long. For a Redis that refuses `CLIENT TRACKING`.
    case ttl
}
