package import MemoryStore
package import NIOCore
package import RESP
package import RedisClient

/// The cache as one event loop sees it: where a store is chosen for each operation on a key.
///
/// Without Redis the embedded store answers at once. With Redis the operation goes to this loop's connection and the answer comes later;
/// where Redis cannot answer (no connection, deadline, full queue, an error that is not about the operation) the embedded store does, and
/// says so. What Redis answers for a key is newer than what the embedded store may have of an outage, so that it forgets the key.
package final class EventLoopCache {
    package let counters = OperationCounters()
    /// This loop's connection, where Redis is configured.
    package let redis: RedisConnection?
    private let embedded: EmbeddedCache
    private var inFlight = InFlightOperations()
    /// The operation whose commands are being handed over: a command refused there and then is answered by the return value.
    private var issuing: Int?
    private var answeredWhileIssuing: CacheAnswer?

    package init(memory: MemoryStore, redis: RedisConnection?) {
        self.embedded = EmbeddedCache(store: memory)
        self.redis = redis
    }

    /// Reads a key.
    /// - Parameter now: nanoseconds of the monotonic clock, read a moment ago.
    /// - Returns: the answer, or nil where `receiver` gets it later.
    package func get(_ key: ByteBuffer, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        guard let redis = self.redis, redis.isConnected else {
            return self.embedded.get(key, now: MonotonicTime(nanoseconds: now), source: self.embeddedSource)
        }
        return self.issue(InFlightOperation(kind: .get, key: key, token: token, receiver: receiver)) { slot in
            redis.get(key, token: InFlightOperations.token(slot, .outcome), receiver: self)
            redis.pttl(key, token: InFlightOperations.token(slot, .timeToLive), receiver: self)
        }
    }

    /// Stores a value.
    /// - Parameter ttlSeconds: time to live, nil for none.
    /// - Returns: the answer, or nil where `receiver` gets it later.
    package func set(
        _ key: ByteBuffer,
        value: ByteBuffer,
        ttlSeconds: Int64?,
        now: Int,
        token: UInt64,
        receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        guard let redis = self.redis, redis.isConnected else {
            let time = MonotonicTime(nanoseconds: now)
            return self.embedded.set(key, value: value, ttlSeconds: ttlSeconds, now: time, source: self.embeddedSource)
        }
        let operation = InFlightOperation(kind: .set(value: value, ttlSeconds: ttlSeconds), key: key, token: token, receiver: receiver)
        return self.issue(operation) { slot in
            let milliseconds = ttlSeconds.map { $0 * 1000 }
            redis.set(key, value, ttlMilliseconds: milliseconds, token: InFlightOperations.token(slot, .outcome), receiver: self)
        }
    }

    /// Deletes a key.
    /// - Returns: the answer, or nil where `receiver` gets it later.
    package func delete(_ key: ByteBuffer, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        guard let redis = self.redis, redis.isConnected else {
            return self.embedded.delete(key, now: MonotonicTime(nanoseconds: now), source: self.embeddedSource)
        }
        return self.issue(InFlightOperation(kind: .delete, key: key, token: token, receiver: receiver)) { slot in
            redis.unlink(key, token: InFlightOperations.token(slot, .outcome), receiver: self)
        }
    }

    /// What an answer of the embedded store is called.
    private var embeddedSource: CacheSource { self.redis == nil ? .memory : .outage }

    private func issue(_ operation: InFlightOperation, _ send: (Int) -> Void) -> CacheAnswer? {
        let slot = self.inFlight.insert(operation)
        self.issuing = slot
        send(slot)
        self.issuing = nil
        defer { self.answeredWhileIssuing = nil }
        return self.answeredWhileIssuing
    }
}

// MARK: Replies

extension EventLoopCache: RedisReplyReceiver {
    package func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        guard let (slot, operation, step) = self.inFlight.take(result, token: token) else { return }
        let answer =
            switch step {
            case .answer(let answer): self.settled(operation, answer)
            case .fallBack: self.fallBack(operation)
            }
        if self.issuing == slot {
            self.answeredWhileIssuing = answer
        } else {
            operation.receiver.cacheAnswered(answer, token: operation.token)
        }
    }

    private func settled(_ operation: InFlightOperation, _ answer: CacheAnswer) -> CacheAnswer {
        switch answer {
        case .hit, .miss, .stored, .deleted: self.embedded.forget(operation.key)
        case .refused: break
        }
        return answer
    }

    private func fallBack(_ operation: InFlightOperation) -> CacheAnswer {
        switch operation.kind {
        case .get: self.embedded.get(operation.key, source: .outage)
        case .set(let value, let ttlSeconds): self.embedded.set(operation.key, value: value, ttlSeconds: ttlSeconds, source: .outage)
        case .delete: self.embedded.delete(operation.key, source: .outage)
        }
    }
}

@available(*, unavailable)
extension EventLoopCache: Sendable {}
