import Cache
import NIOCore

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
    }

    let outcome: Outcome
    let source: CacheSource

    func write(into buffer: inout ByteBuffer) {
        switch self.outcome {
        case .hit(let remaining):
            buffer.writeStaticString("redis-caching-agent; hit")
            if let remaining {
                // Rounded as Redis's TTL does, so that both show the same number.
                buffer.writeStaticString("; ttl=")
                buffer.appendDecimal(Int((remaining + 500) / 1000))
            }
        case .miss: buffer.writeStaticString("redis-caching-agent; fwd=miss")
        case .stored: buffer.writeStaticString("redis-caching-agent; fwd=method; stored")
        case .deleted: buffer.writeStaticString("redis-caching-agent; fwd=method")
        }
        switch self.source {
        case .memory: buffer.writeStaticString("; detail=memory")
        case .redis: buffer.writeStaticString("; detail=redis")
        case .outage: buffer.writeStaticString("; detail=outage")
        }
    }
}
