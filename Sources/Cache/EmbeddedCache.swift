import MemoryStore
import NIOCore

/// The embedded store in the terms of the domain. Callable from any thread.
struct EmbeddedCache: Sendable {
    let store: MemoryStore

    func get(_ key: ByteBuffer, now: MonotonicTime = .now, source: CacheSource) -> CacheAnswer {
        guard let hit = self.store.get(key.readableBytesUInt8Span, now: now) else { return .miss(source) }
        return .hit(.memory(hit), remainingMilliseconds: hit.expiresAt.map { $0.milliseconds - now.milliseconds }, source)
    }

    func set(_ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, now: MonotonicTime = .now, source: CacheSource) -> CacheAnswer {
        let expiresAt = ttlSeconds.map { now.advanced(byMilliseconds: $0 * 1000) }
        switch self.store.set(key.readableBytesUInt8Span, value: value.readableBytesUInt8Span, expiresAt: expiresAt, now: now) {
        case .stored: return .stored(source)
        case .tooLarge: return .refused(.valueTooLargeForStore, source)
        }
    }

    func delete(_ key: ByteBuffer, now: MonotonicTime = .now, source: CacheSource) -> CacheAnswer {
        self.store.remove(key.readableBytesUInt8Span, now: now) ? .deleted(source) : .miss(source)
    }

    /// Forgets a key of which Redis now holds the truth, so that a later outage cannot bring an older value back.
    func forget(_ key: ByteBuffer) {
        _ = self.store.remove(key.readableBytesUInt8Span, now: .now)
    }
}
