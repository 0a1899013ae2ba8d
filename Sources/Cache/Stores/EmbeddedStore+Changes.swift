import MemoryStore
package import NIOCore

/// Changes in memory, each one step for all threads.
extension EmbeddedStore {
    package func change(
        _ key: ByteBuffer, _ change: CacheChange, whileAway: ChangeWhileAway, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        self.change(key, change, now: MonotonicTime(nanoseconds: now))
    }

    func change(_ key: ByteBuffer, _ change: CacheChange, now: MonotonicTime = .now) -> CacheAnswer {
        switch change {
        case .create(let value, let ttl):
            return self.put(key, value, ttl, now, replacing: nil) ?? .conflict(self.source)
        case .lease(let placeholder, let milliseconds):
            return self.put(key, placeholder, .milliseconds(milliseconds), now, replacing: nil) ?? .conflict(self.source)
        case .replace(let expected, let value, let ttl):
            while let seen = self.peek(key, now, holding: expected) {
                if let answer = self.put(key, value, ttl, now, replacing: seen) { return answer }
            }
            return .conflict(self.source)
        case .remove(let expected):
            while let seen = self.peek(key, now, holding: expected) {
                if self.memory.remove(key.readableBytesUInt8Span, ifStill: seen, now: now) { return .deleted(self.source) }
            }
            return .conflict(self.source)
        case .expire(let ttl, let prefix):
            while let seen = self.memory.peek(key.readableBytesUInt8Span, now: now) {
                guard prefix.withUnsafeReadableBytes({ seen.hasPrefix($0) }) else { return .conflict(self.source) }
                if self.expire(key, ttl, seen, now) { return .stored(self.source) }
            }
            return .miss(self.source)
        case .prolong(let milliseconds):
            let end = now.advanced(byMilliseconds: milliseconds)
            while let seen = self.memory.peek(key.readableBytesUInt8Span, now: now) {
                guard let expiresAt = seen.expiresAt, expiresAt < end else { return .stored(self.source) }
                if self.memory.expire(key.readableBytesUInt8Span, at: end, ifStill: seen, now: now) { return .stored(self.source) }
            }
            return .miss(self.source)
        }
    }

    /// - Returns: nil if somebody else has changed the key in the meantime.
    private func put(_ key: ByteBuffer, _ value: ByteBuffer, _ ttl: TimeToLive, _ now: MonotonicTime, replacing seen: MemoryHit?) -> CacheAnswer? {
        let outcome = self.memory.set(
            key.readableBytesUInt8Span, value: value.readableBytesUInt8Span, deadline: ttl.deadline(now), now: now, replacing: seen)
        return switch outcome {
        case .stored: .stored(self.source)
        case .tooLarge: .refused(.valueTooLargeForStore, self.source)
        case .changed: nil
        }
    }

    private func peek(_ key: ByteBuffer, _ now: MonotonicTime, holding expected: ByteBuffer) -> MemoryHit? {
        guard let hit = self.memory.peek(key.readableBytesUInt8Span, now: now) else { return nil }
        return expected.withUnsafeReadableBytes { hit.isEqual(to: $0) } ? hit : nil
    }

    /// - Returns: false if somebody else has changed the key in the meantime.
    private func expire(_ key: ByteBuffer, _ ttl: TimeToLive, _ seen: MemoryHit, _ now: MonotonicTime) -> Bool {
        let bytes = key.readableBytesUInt8Span
        return switch ttl {
        case .none: self.memory.expire(bytes, at: nil, ifStill: seen, now: now)
        case .milliseconds(let milliseconds): self.memory.expire(bytes, at: now.advanced(byMilliseconds: milliseconds), ifStill: seen, now: now)
        case .kept: true
        }
    }
}

extension TimeToLive {
    fileprivate func deadline(_ now: MonotonicTime) -> MemoryDeadline {
        switch self {
        case .none: .never
        case .milliseconds(let milliseconds): .at(now.advanced(byMilliseconds: milliseconds))
        case .kept: .kept
        }
    }
}
