import Cache

/// The `Cache-Status` field (RFC 9211): what the cache did for this answer.
struct CacheStatus {
    enum Outcome {
        /// The key had a value, with this many milliseconds to live.
        case hit(remainingMilliseconds: Int64?)
        /// The key had none.
        case miss
        /// The value was stored.
        case stored
        /// The value was deleted.
        case deleted
        /// Something was counted, nothing changed.
        case read
        /// The store refused.
        case refused
    }

    let outcome: Outcome
    let source: CacheSource

    func write(into cursor: inout ByteCursor) {
        switch self.outcome {
        case .hit(let remaining):
            cursor.append("redis-caching-agent; hit")
            if let remaining {
                // Rounded as Redis's TTL does, so that both show the same number.
                cursor.append("; ttl=")
                cursor.appendDecimal(Int((min(remaining, .max - 500) + 500) / 1000))
            }
        case .miss: cursor.append("redis-caching-agent; fwd=miss")
        case .stored: cursor.append("redis-caching-agent; fwd=method; stored")
        case .deleted, .read: cursor.append("redis-caching-agent; fwd=method")
        case .refused: cursor.append("redis-caching-agent; fwd=bypass")
        }
        switch self.source {
        case .memory: cursor.append("; detail=memory")
        case .redis: cursor.append("; detail=redis")
        case .outage: cursor.append("; detail=outage")
        }
    }
}
