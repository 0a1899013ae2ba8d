package import NIOCore

/// Changes that depend on what a reader would get at a key; see `ConditionalChange`.
extension CacheService {
    /// Stores a value if what there is meets a condition.
    /// - Parameters:
    ///   - stored: the bytes to store, with their envelope if they have one.
    ///   - condition: gets what a reader would get: `.hit` or `.miss`. Asked again each time that somebody has come between.
    /// - Returns: `.stored`, `.conflict` if the condition is not met, or why it cannot be; and whether a value was replaced.
    package func set(
        _ key: ByteBuffer, stored value: ByteBuffer, ttl: TimeToLive, on eventLoop: any EventLoop,
        if condition: @escaping @Sendable (CacheAnswer) -> Bool
    ) async -> (answer: CacheAnswer, replaces: Bool) {
        let outcome = await self.perform(on: eventLoop) { .set(key, stored: value, ttl: ttl, $0, if: condition) }
        return (outcome.answer, outcome.hadValue)
    }

    /// Deletes a value if it meets a condition.
    /// - Returns: `.deleted`, `.conflict` if the condition is not met, `.miss` if there is none, or why it cannot be.
    package func delete(
        _ key: ByteBuffer, on eventLoop: any EventLoop, if condition: @escaping @Sendable (CacheAnswer) -> Bool
    ) async -> CacheAnswer {
        await self.perform(on: eventLoop) { .delete(key, $0, if: condition) }.answer
    }

    /// Gives a value another time to live, and leaves how long it may be stale after that.
    /// - Parameter ttlSeconds: nil for none, which a value with tags must not have.
    /// - Returns: `.stored`, `.miss`, or why it cannot be.
    package func expire(_ key: ByteBuffer, ttlSeconds: Int64?, on eventLoop: any EventLoop) async -> CacheAnswer {
        await self.perform(on: eventLoop) { .expire(key, ttlSeconds: ttlSeconds, $0) }.answer
    }

    private func perform(
        on eventLoop: any EventLoop, _ makeChange: @escaping @Sendable (ValueResolver) -> ConditionalChange
    ) async -> ConditionalChange.Outcome {
        let resolver = self.entry(of: eventLoop).resolver
        return await withCheckedContinuation { continuation in
            eventLoop.execute {
                if let outcome = makeChange(resolver.value).begin({ continuation.resume(returning: $0) }) { continuation.resume(returning: outcome) }
            }
        }
    }
}
