package import NIOCore

/// Changes that depend on what a reader would get at a key: they read, decide, and change what they have read if it is still there.
extension CacheService {
    /// How often somebody else may come between a reading and the change. Whoever comes has changed the key, so that the decision is mostly another one
    /// then.
    private static let maximumAttempts = 32

    /// Stores a value if what there is meets a condition.
    /// - Parameters:
    ///   - stored: the bytes to store, with their envelope if they have one.
    ///   - condition: gets what a reader would get: `.hit` or `.miss`. Asked again each time that somebody has come between.
    /// - Returns: `.stored`, `.conflict` if the condition is not met, or why it cannot be; and whether a reader would have got a value before.
    package func set(
        _ key: ByteBuffer, stored value: ByteBuffer, ttl: TimeToLive, on eventLoop: any EventLoop,
        if condition: @Sendable (CacheAnswer) -> Bool
    ) async -> (answer: CacheAnswer, replaces: Bool) {
        let (answer, hadValue) = await self.change(key, on: eventLoop) { held, found in
            guard condition(found) else { return .answer(.conflict(found.source)) }
            guard let held else { return .change(.create(value: value, ttl: ttl)) }
            return .change(.replace(expected: held, value: value, ttl: ttl))
        }
        return (answer, hadValue && answer.isChange)
    }

    /// Deletes a value if it meets a condition.
    /// - Returns: `.deleted`, `.conflict` if the condition is not met, `.miss` if there is none, or why it cannot be.
    package func delete(
        _ key: ByteBuffer, on eventLoop: any EventLoop, if condition: @Sendable (CacheAnswer) -> Bool
    ) async -> CacheAnswer {
        await self.change(key, on: eventLoop) { held, found in
            guard case .hit = found, let held else { return .answer(found) }
            return condition(found) ? .change(.remove(expected: held)) : .answer(.conflict(found.source))
        }.answer
    }

    /// Gives a value another time to live, and leaves how long it may be stale after that.
    /// - Parameter ttlSeconds: nil for none, which a value with tags must not have.
    /// - Returns: `.stored`, `.miss`, or why it cannot be.
    package func expire(_ key: ByteBuffer, ttlSeconds: Int64?, on eventLoop: any EventLoop) async -> CacheAnswer {
        await self.change(key, on: eventLoop) { held, found in
            guard case .hit(let value, _, let source) = found, let held else { return .answer(found) }
            // Such a value has nothing beside it, whoever has replaced it in the meantime.
            guard case .envelope(let enveloped) = value else { return .change(.expire(ttl: TimeToLive(seconds: ttlSeconds))) }
            if ttlSeconds == nil, !enveloped.envelope.tags.isEmpty { return .answer(.refused(.timeToLiveRequired, source)) }
            let ttl = TimeToLive(seconds: ttlSeconds.map { $0 + enveloped.envelope.staleSeconds })
            return .change(.replace(expected: held, value: held, ttl: ttl))
        }.answer
    }

    private enum Decision {
        case change(CacheChange)
        case answer(CacheAnswer)
    }

    /// - Parameter decide: gets the bytes that are stored, nil for none, and what a reader would get.
    private func change(
        _ key: ByteBuffer, on eventLoop: any EventLoop, _ decide: (ByteBuffer?, CacheAnswer) -> Decision
    ) async -> (answer: CacheAnswer, hadValue: Bool) {
        var source = CacheSource.redis
        for _ in 0..<Self.maximumAttempts {
            let (stored, found) = await self.examine(key, on: eventLoop)
            source = stored.source
            // Memory does not know what the other instances see.
            if source.isDegraded || found.source.isDegraded { return (.unavailable(.outage), false) }
            var held: ByteBuffer?
            switch stored {
            case .hit(let value, _, _): held = value.buffer
            case .miss: break
            case .stored, .deleted, .refused, .conflict, .unavailable: return (stored, false)
            }
            let hadValue = if case .hit = found { true } else { false }
            switch decide(held, found) {
            case .answer(let answer): return (answer, hadValue)
            case .change(let change):
                let answer = await self.change(key, change, on: eventLoop)
                guard case .conflict = answer else { return (answer, hadValue) }
            }
        }
        return (.unavailable(source), false)
    }

    /// What is stored at a key, and what a reader gets of it. Not from copies.
    private func examine(_ key: ByteBuffer, on eventLoop: any EventLoop) async -> (stored: CacheAnswer, found: CacheAnswer) {
        let resolver = self.entry(of: eventLoop).resolver
        return await withCheckedContinuation { continuation in
            eventLoop.execute { Examination(resolver.value, continuation).begin(key) }
        }
    }
}

/// Reads a key for a task that waits for what is stored and what it means.
private final class Examination: CacheAnswerReceiver {
    private let resolver: ValueResolver
    private let continuation: CheckedContinuation<(stored: CacheAnswer, found: CacheAnswer), Never>
    private var stored: CacheAnswer?

    init(_ resolver: ValueResolver, _ continuation: CheckedContinuation<(stored: CacheAnswer, found: CacheAnswer), Never>) {
        self.resolver = resolver
        self.continuation = continuation
    }

    private var now: Int { Int(NIODeadline.now().uptimeNanoseconds) }

    func begin(_ key: ByteBuffer) {
        if let answer = self.resolver.store.get(key, acceptsCopy: false, now: self.now, token: 0, receiver: self) {
            self.cacheAnswered(answer, token: 0)
        }
    }

    func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        if let stored = self.stored { return self.continuation.resume(returning: (stored, answer)) }
        self.stored = answer
        if let found = self.resolver.resolve(answer, acceptsCopy: false, now: self.now, token: 0, receiver: self) {
            self.continuation.resume(returning: (answer, found))
        }
    }
}
