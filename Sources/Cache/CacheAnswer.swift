package import MemoryStore
package import NIOCore

/// What a store answers to one operation on one key.
package enum CacheAnswer: Sendable {
    /// The key has a value. `remainingMilliseconds` is its time to live, nil if it has none; once the answer is resolved, how long the value is fresh,
    /// negative if it is stale.
    case hit(CachedValue, remainingMilliseconds: Int64?, CacheSource)
    /// The key has no value; the answer to a get or a delete.
    case miss(CacheSource)
    /// The value is stored.
    case stored(CacheSource)
    /// The key had a value, which is gone.
    case deleted(CacheSource)
    /// The store refused the operation; trying again at once would not help.
    case refused(CacheRefusal, CacheSource)
    /// The key does not hold what a change expects: nothing has changed.
    case conflict(CacheSource)
    /// Redis is needed for a change and cannot carry it out, or did not say in time whether it has: then it may have, or may do so yet.
    case unavailable(CacheSource)

    /// Whether something is not as it was before.
    var isChange: Bool {
        switch self {
        case .stored, .deleted: true
        case .hit, .miss, .refused, .conflict, .unavailable: false
        }
    }

    /// Which store answered.
    package var source: CacheSource {
        switch self {
        case .hit(_, _, let source), .miss(let source), .stored(let source), .deleted(let source), .refused(_, let source),
            .conflict(let source), .unavailable(let source):
            source
        }
    }
}

/// The bytes of a cached value, shared by all holders: no case copies.
package enum CachedValue: Sendable {
    /// An entry of the embedded store.
    case memory(MemoryHit)
    /// A slice of what Redis sent.
    case buffer(ByteBuffer)
    /// What was read out of its envelope; the bytes are those of the value alone.
    case envelope(EnvelopedValue)

    /// Size in bytes.
    package var count: Int {
        switch self {
        case .memory(let hit): hit.valueCount
        case .buffer(let buffer): buffer.readableBytes
        case .envelope(let value): value.payload.count
        }
    }

    /// Lends the bytes for the time of the call. O(1) besides `body`.
    package func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        switch self {
        case .memory(let hit): hit.withValueBytes(body)
        case .buffer(let value): value.withUnsafeReadableBytes(body)
        case .envelope(let value): value.payload.withBytes(body)
        }
    }
}

/// Which store gave an answer: the `detail` parameter of the `Cache-Status` field.
package enum CacheSource: Int, Sendable, Hashable, CaseIterable {
    /// The embedded store, because no Redis is configured.
    case memory
    /// Redis.
    case redis
    /// The embedded store, because the configured Redis could not answer in time.
    case outage
    /// A copy of what Redis has answered before, which Redis would announce to be no longer true.
    case near

    /// How many there are: `allCases.count` as a constant, which the counters of the hot path can afford.
    static var count: Int { 4 }

    /// Whether the answer comes from a fallback: such answers carry `X-Cache-Degraded: 1`.
    package var isDegraded: Bool { self == .outage }

    /// The name in the metrics and in `Cache-Status`.
    package var name: String {
        switch self {
        case .memory: "memory"
        case .redis: "redis"
        case .outage: "outage"
        case .near: "near"
        }
    }
}

/// Why a store refused an operation. None of these is an outage: reads go on.
package enum CacheRefusal: Sendable, Hashable {
    /// Redis is at `maxmemory` and evicts nothing that would make room (`-OOM`).
    case outOfMemory
    /// The value is larger than one entry of the embedded store may be.
    case valueTooLargeForStore
    /// The value is larger than Redis takes (`proto-max-bulk-len`).
    case valueTooLargeForRedis
    /// The key holds another type than a string (`-WRONGTYPE`), or a value too large to be read.
    case notReadable
    /// The user of the service may not touch this key in Redis (`-NOPERM`).
    case notPermitted
    /// A value with tags must not live for ever.
    case timeToLiveRequired
}
