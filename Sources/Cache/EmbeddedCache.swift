import MemoryStore
import NIOCore
import RESP

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

    // MARK: Together with Redis

    /// Forgets a key of which Redis now holds the truth, so that a later outage cannot bring an older value back.
    func forget(_ key: [UInt8]) {
        _ = self.store.remove(key.span, now: .now)
    }

    /// The command that writes an entry's value to Redis with what remains of its time to live; nil where the value is gone, or there is none.
    func restoringCommand(_ entry: OutageJournal.Entry) -> [RESPArgument]? {
        let now = MonotonicTime.now
        guard entry.isValue, let hit = self.store.get(entry.key.span, now: now) else { return nil }
        var value = ByteBuffer()
        hit.withValueBytes { _ = value.writeBytes($0) }
        let command: [RESPArgument] = ["SET", .bytes(entry.key), RESPArgument(value)]
        guard let expiresAt = hit.expiresAt else { return command }
        return command + ["PX", .integer(expiresAt.milliseconds - now.milliseconds)]
    }

    // MARK: Everything

    /// Counts or removes the entries whose key matches, in steps with other tasks between them.
    func walk(_ mode: MemoryCursor.Mode, where isMatch: (Span<UInt8>) -> Bool) async -> Int {
        var cursor = MemoryCursor(mode)
        var count = 0
        while !cursor.isFinished {
            count += self.store.step(&cursor, now: .now, where: isMatch)
            await Task.yield()
        }
        return count
    }

    func removeAll() async {
        _ = await self.walk(.remove) { _ in true }
    }
}
