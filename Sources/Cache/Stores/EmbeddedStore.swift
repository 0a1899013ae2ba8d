package import MemoryStore
package import NIOCore

/// The store within the process, which answers every operation at once. Unlike other stores it may be called from any thread.
package final class EmbeddedStore: CacheStore, Sendable {
    let memory: MemoryStore
    let source: CacheSource

    /// - Parameter source: what its answers name as their source.
    package init(_ memory: MemoryStore, source: CacheSource = .memory) {
        self.memory = memory
        self.source = source
    }

    package func get(
        _ key: ByteBuffer, acceptsCopy: Bool, wantsTimeToLive: Bool, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        self.get(key, now: MonotonicTime(nanoseconds: now))
    }

    package func set(
        _ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        self.set(key, value: value, ttlSeconds: ttlSeconds, now: MonotonicTime(nanoseconds: now))
    }

    package func delete(_ key: ByteBuffer, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        self.delete(key, now: MonotonicTime(nanoseconds: now))
    }

    // MARK: At once

    func get(_ key: ByteBuffer, now: MonotonicTime = .now) -> CacheAnswer {
        guard let hit = self.memory.get(key.readableBytesUInt8Span, now: now) else { return .miss(self.source) }
        return .hit(.memory(hit), remainingMilliseconds: hit.expiresAt.map { $0.milliseconds - now.milliseconds }, self.source)
    }

    func set(_ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, now: MonotonicTime = .now) -> CacheAnswer {
        let expiresAt = ttlSeconds.map { now.advanced(byMilliseconds: $0 * 1000) }
        switch self.memory.set(key.readableBytesUInt8Span, value: value.readableBytesUInt8Span, expiresAt: expiresAt, now: now) {
        case .stored: return .stored(self.source)
        case .tooLarge: return .refused(.valueTooLargeForStore, self.source)
        }
    }

    func delete(_ key: ByteBuffer, now: MonotonicTime = .now) -> CacheAnswer {
        self.memory.remove(key.readableBytesUInt8Span, now: now) ? .deleted(self.source) : .miss(self.source)
    }

    // MARK: Together with Redis

    /// Forgets a key of which Redis now holds the truth, so that a later outage cannot bring an older value back.
    func forget(_ key: [UInt8]) {
        _ = self.memory.remove(key.span, now: .now)
    }

    /// A copy of the value of a key, with what remains of its time to live; nil if there is none.
    func value(of key: [UInt8]) -> (value: ByteBuffer, remainingMilliseconds: Int64?)? {
        let now = MonotonicTime.now
        guard let hit = self.memory.get(key.span, now: now) else { return nil }
        var value = ByteBuffer()
        hit.withValueBytes { _ = value.writeBytes($0) }
        return (value, hit.expiresAt.map { $0.milliseconds - now.milliseconds })
    }

    // MARK: Everything

    /// Counts or removes the entries whose key matches, in steps with other tasks between them.
    func walk(_ mode: MemoryCursor.Mode, where isMatch: (Span<UInt8>) -> Bool) async -> Int {
        await self.memory.walk(mode, where: isMatch)
    }

    func removeAll() async {
        _ = await self.walk(.remove) { _ in true }
    }
}

extension MemoryStore {
    /// Counts or removes the entries whose key matches, in steps with other tasks between them.
    func walk(_ mode: MemoryCursor.Mode, where isMatch: (Span<UInt8>) -> Bool) async -> Int {
        var cursor = MemoryCursor(mode)
        var count = 0
        while !cursor.isFinished {
            count += self.step(&cursor, now: .now, where: isMatch)
            await Task.yield()
        }
        return count
    }
}

extension MonotonicTime {
    /// A reading of the monotonic clock, as callers on an event loop have it already.
    init(nanoseconds: Int) {
        self.init(milliseconds: Int64(nanoseconds / 1_000_000))
    }

    /// Now, on the clock that entries expire by.
    package static var now: MonotonicTime { MonotonicTime(nanoseconds: Int(NIODeadline.now().uptimeNanoseconds)) }
}
