package import MemoryStore
package import NIOCore
package import RESP
package import RedisClient

/// The cache as one event loop sees it: where a store is chosen for each operation on a key.
///
/// Without Redis the embedded store answers at once. With Redis the operation goes to this loop's connection and the answer comes later, unless the
/// gate, which all event loops share, says that memory answers. What Redis does not answer as it should, memory answers in its place, and the gate
/// remembers what Redis has missed.
package final class EventLoopCache {
    package let counters: OperationCounters
    private let embedded: EmbeddedCache
    private let redis: RedisConnection?
    private let gate: OutageGate?
    private var inFlight = InFlightOperations()
    /// The operation whose commands are being handed over: a command refused there and then is answered by the return value.
    private var issuing: Int?
    private var answeredWhileIssuing: CacheAnswer?
    private var recentWrites: RecentWrites
    private var deadlinesInARow = 0
    private let maximumDeadlinesInARow: Int
    /// Whoever waits for the connection.
    private var connecting: EventLoopPromise<Void>?
    /// Whether the connection has ended for good.
    private var isClosed = false

    /// A cache of the embedded store, by choice.
    package init(memory: MemoryStore, counters: OperationCounters = OperationCounters()) {
        self.counters = counters
        self.embedded = EmbeddedCache(store: memory)
        self.redis = nil
        self.gate = nil
        self.recentWrites = RecentWrites(span: .zero, maximumBytes: 0)
        self.maximumDeadlinesInARow = 0
    }

    /// A cache of Redis.
    /// - Parameters:
    ///   - redis: this loop's connection; the gate's recovery connects it
    ///   - eventLoopCount: how many share the bounds of `OutageSettings`
    package init(
        memory: MemoryStore, redis: RedisConnection, gate: OutageGate, counters: OperationCounters = OperationCounters(), eventLoopCount: Int = 1
    ) {
        self.counters = counters
        self.embedded = EmbeddedCache(store: memory)
        self.redis = redis
        self.gate = gate
        self.recentWrites = RecentWrites(
            span: gate.settings.doubtSpan, maximumBytes: gate.settings.recentWritesBytes / max(1, eventLoopCount))
        self.maximumDeadlinesInARow = gate.settings.deadlinesInARow
        redis.delegate = self
    }

    /// The counters of this loop's connection; nil on the embedded store by choice.
    package var redisCounters: RedisCounters? { self.redis?.counters }

    /// Reads a key.
    /// - Parameter now: nanoseconds of the monotonic clock, read a moment ago.
    /// - Returns: the answer, or nil where `receiver` gets it later.
    package func get(_ key: ByteBuffer, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        guard let redis = self.redis, let gate = self.gate else {
            return self.embedded.get(key, now: MonotonicTime(nanoseconds: now), source: .memory)
        }
        if !gate.isOpen, let answer = gate.get(key, now: MonotonicTime(nanoseconds: now)) { return answer }
        return self.issue(InFlightOperation(kind: .get, key: key, token: token, receiver: receiver)) { slot in
            redis.get(key, token: InFlightOperations.token(slot, .value), receiver: self)
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
        guard let redis = self.redis, let gate = self.gate else {
            return self.embedded.set(key, value: value, ttlSeconds: ttlSeconds, now: MonotonicTime(nanoseconds: now), source: .memory)
        }
        if !gate.isOpen, let answer = gate.set(key, value: value, ttlSeconds: ttlSeconds, now: MonotonicTime(nanoseconds: now)) { return answer }
        let operation = InFlightOperation(kind: .set(value: value, ttlSeconds: ttlSeconds), key: key, token: token, receiver: receiver)
        return self.issue(operation) { slot in
            let milliseconds = ttlSeconds.map { $0 * 1000 }
            redis.set(key, value, ttlMilliseconds: milliseconds, token: InFlightOperations.token(slot, .write), receiver: self)
        }
    }

    /// Deletes a key.
    /// - Returns: the answer, or nil where `receiver` gets it later.
    package func delete(_ key: ByteBuffer, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        guard let redis = self.redis, let gate = self.gate else {
            return self.embedded.delete(key, now: MonotonicTime(nanoseconds: now), source: .memory)
        }
        if !gate.isOpen, let answer = gate.delete(key, now: MonotonicTime(nanoseconds: now)) { return answer }
        return self.issue(InFlightOperation(kind: .delete, key: key, token: token, receiver: receiver)) { slot in
            redis.unlink(key, token: InFlightOperations.token(slot, .write), receiver: self)
        }
    }

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
        let answer: CacheAnswer
        switch step {
        case .answer(let settled):
            self.deadlinesInARow = 0
            if operation.isWrite { self.recentWrites.record(operation.key, now: Int(NIODeadline.now().uptimeNanoseconds)) }
            answer = settled
        case .fallBack(let failure):
            answer = self.fallBack(operation, failure)
        }
        if self.issuing == slot {
            self.answeredWhileIssuing = answer
        } else {
            operation.receiver.cacheAnswered(answer, token: operation.token)
        }
    }

    package func redisRepliedLate(token: UInt64) {
        if let key = self.inFlight.takeLate(token: token) { self.gate?.landed(key) }
    }

    private func fallBack(_ operation: InFlightOperation, _ failure: RedisFailure) -> CacheAnswer {
        guard let gate = self.gate else { return .miss(.outage) }
        // First what was written, then the consequence: the gate closes with the journal complete.
        let isLanding = failure.code == .deadlineExceeded
        let answer =
            switch operation.kind {
            case .get: gate.getInstead(operation.key)
            case .set(let value, let ttlSeconds): gate.setInstead(operation.key, value: value, ttlSeconds: ttlSeconds, isLanding: isLanding)
            case .delete: gate.deleteInstead(operation.key, isLanding: isLanding)
            }
        self.judge(failure, gate)
        return answer
    }

    /// Whether a failure means that Redis is away. A single deadline does not: a neighbour's long command can be its cause.
    private func judge(_ failure: RedisFailure, _ gate: OutageGate) {
        switch failure.code {
        case .deadlineExceeded:
            self.deadlinesInARow += 1
            if self.deadlinesInARow >= self.maximumDeadlinesInARow { gate.failed(.deadlines) }
        case .queueFull:
            gate.failed(.overloaded)
        default:
            gate.failed(.failure(failure))
        }
    }
}

// MARK: The connection

extension EventLoopCache: RedisConnectionDelegate {
    /// Connects, and asks for a sign of life within the deadline of any command.
    /// - Returns: a future that fails with `RedisFailure`.
    func connect() -> EventLoopFuture<Void> {
        guard let redis = self.redis else { preconditionFailure("there is no Redis to connect to") }
        // A closed connection would neither become ready nor be lost, and whoever waits for it would wait for ever.
        guard !self.isClosed else { return redis.eventLoop.makeFailedFuture(RedisFailure.notConnected) }
        self.connecting?.fail(RedisFailure.cancelled)
        let promise = redis.eventLoop.makePromise(of: Void.self)
        self.connecting = promise
        self.deadlinesInARow = 0
        redis.connect()
        return promise.futureResult
    }

    /// Ends the connection at once: what waits for Redis is answered from memory.
    /// - Returns: what the server called the connections that have ended.
    func disconnect() -> [Int64] {
        guard let redis = self.redis else { return [] }
        redis.disconnect()
        self.ended(.connectionClosed)
        return redis.takeEndedIdentifiers()
    }

    /// The keys written lately; see `RecentWrites`.
    func takeRecentWrites() -> [[UInt8]]? { self.recentWrites.takeAll() }

    /// What the keys written lately take.
    var recentWritesReport: RecentWritesReport { self.recentWrites.report }

    /// Ends the connection for good; replies owed are waited for. Whoever waits for the connection waits no longer.
    package func close() -> EventLoopFuture<Void>? {
        self.isClosed = true
        self.connecting?.fail(RedisFailure.cancelled)
        self.connecting = nil
        return self.redis?.close()
    }

    package func redisConnectionReady(_ connection: RedisConnection) {
        guard let promise = self.connecting else { return }
        self.connecting = nil
        connection.send(["PING"], token: 0, receiver: SignOfLife(promise))
    }

    /// Asks whether Redis answers within the deadline of any command.
    /// - Returns: a future that fails with `RedisFailure`.
    func signOfLife() -> EventLoopFuture<Void> {
        guard let redis = self.redis else { preconditionFailure("there is no Redis to ask") }
        let promise = redis.eventLoop.makePromise(of: Void.self)
        redis.send(["PING"], token: 0, receiver: SignOfLife(promise))
        return promise.futureResult
    }

    package func redisConnectionLost(_ connection: RedisConnection, failure: RedisFailure) {
        self.gate?.failed(.failure(failure))
        self.ended(failure)
    }

    private func ended(_ failure: RedisFailure) {
        self.inFlight.dropLate()
        self.connecting?.fail(failure)
        self.connecting = nil
    }
}

@available(*, unavailable)
extension EventLoopCache: Sendable {}
