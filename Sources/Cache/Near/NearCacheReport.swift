package import MemoryStore

/// How a connection stands to the copies of what it has read. A later case says more about what is wrong.
package enum NearStanding: UInt8, Sendable, CaseIterable {
    /// There is no connection.
    case away
    /// Redis says when a copy is no longer true.
    case tracking
    /// Nothing keeps copies true, as the settings allow.
    case timeToLive
    /// Redis does not answer, so its copies are not answered as current.
    case silent
    /// Redis refuses to say.
    case refused
}

/// What keeps copies true, as `GET /health` and the metrics name it.
package enum Coherence: String, Sendable, CaseIterable {
    case tracking, ttl, off
}

/// The copies of reads, and what keeps them true.
package struct NearCacheReport: Sendable {
    /// Of all connections, the case that says most about what is wrong.
    package let standing: NearStanding
    package let mode: NearCacheMode
    /// The store of the copies.
    package let memory: MemoryStatistics

    package var coherence: Coherence {
        switch self.standing {
        case .tracking: .tracking
        case .timeToLive: .ttl
        case .away, .silent, .refused: .off
        }
    }

    /// Why nothing is kept; nil if something is.
    package var reason: String? {
        switch self.standing {
        case .tracking, .timeToLive: nil
        case .away: "Redis is away"
        case .silent: "Redis does not answer"
        case .refused: "Redis does not permit CLIENT TRACKING, or speaks RESP2"
        }
    }
}
