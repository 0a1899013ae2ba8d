import MemoryStore
package import NIOCore
package import RESP
package import RedisClient

/// Redis as the store of one event loop.
///
/// The operation goes to this loop's connection and the answer comes later, unless the gate, which all event loops share, lets memory answer.
/// What Redis does not answer as it should, memory answers in its place, and the gate remembers what Redis has missed.
package final class RedisStore: CacheStore {
    private let connection: any RedisStoreConnection
    private let gate: OutageGate
    private var inFlight = InFlightOperations()
    private var recentWrites: RecentWrites
    private var deadlinesInARow = 0
    private let maximumDeadlinesInARow: Int
    /// Fulfilled when the connection has answered.
    private var connecting: EventLoopPromise<Void>?
    /// Whether the connection has ended for good.
    private var isClosed = false

    /// - Parameters:
    ///   - connection: this loop's; the gate's recovery connects it.
    ///   - eventLoopCount: how many share the bounds of `OutageSettings`.
    package init(connection: any RedisStoreConnection, gate: OutageGate, eventLoopCount: Int = 1) {
        self.connection = connection
        self.gate = gate
        self.recentWrites = RecentWrites(
            span: gate.settings.effectiveRecentWritesSpan, maximumBytes: gate.settings.recentWritesBytes / max(1, eventLoopCount))
        self.maximumDeadlinesInARow = gate.settings.deadlinesInARow
        connection.delegate = self
    }

    /// The counters of this loop's connection.
    package var redisCounters: RedisCounters { self.connection.counters }

    package func get(
        _ key: ByteBuffer, acceptsCopy: Bool, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        if !self.gate.isOpen, let answer = self.gate.get(key, now: MonotonicTime(nanoseconds: now)) { return answer }
        let slot = self.inFlight.insert(InFlightOperation(kind: .get, key: key, token: token, receiver: receiver))
        if let refusal = self.connection.get(key, token: slot, receiver: self) { return self.refused(slot, refusal) }
        if self.connection.pttl(key, token: slot, receiver: self) != nil { self.inFlight.timeToLiveRefused(slot) }
        return nil
    }

    package func set(
        _ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        if !self.gate.isOpen, let answer = self.gate.set(key, value: value, ttlSeconds: ttlSeconds, now: MonotonicTime(nanoseconds: now)) {
            return answer
        }
        let kind = InFlightOperation.Kind.set(value: value, ttlSeconds: ttlSeconds)
        let slot = self.inFlight.insert(InFlightOperation(kind: kind, key: key, token: token, receiver: receiver))
        let milliseconds = ttlSeconds.map { $0 * 1000 }
        return self.connection.set(key, value, ttlMilliseconds: milliseconds, token: slot, receiver: self).flatMap { self.refused(slot, $0) }
    }

    package func delete(_ key: ByteBuffer, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        if !self.gate.isOpen, let answer = self.gate.delete(key, now: MonotonicTime(nanoseconds: now)) { return answer }
        let slot = self.inFlight.insert(InFlightOperation(kind: .delete, key: key, token: token, receiver: receiver))
        return self.connection.unlink(key, token: slot, receiver: self).flatMap { self.refused(slot, $0) }
    }

    /// The connection did not take the command of an operation.
    private func refused(_ slot: UInt64, _ refusal: RedisFailure) -> CacheAnswer? {
        self.inFlight.remove(slot).map { self.fallBack($0, refusal) }
    }
}

// MARK: Replies

extension RedisStore: RedisReplyReceiver {
    package func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        guard let (operation, step) = self.inFlight.take(result, token: token) else { return }
        let answer: CacheAnswer
        switch step {
        case .answer(let settled):
            self.deadlinesInARow = 0
            if operation.isWrite { self.recentWrites.record(operation.key, now: Int(NIODeadline.now().uptimeNanoseconds)) }
            answer = settled
        case .fallBack(let failure):
            answer = self.fallBack(operation, failure)
        }
        operation.receiver.cacheAnswered(answer, token: operation.token)
    }

    package func redisRepliedLate(token: UInt64) {
        if let key = self.inFlight.takeLate(token: token) { self.gate.repliedLate(key) }
    }

    private func fallBack(_ operation: InFlightOperation, _ failure: RedisFailure) -> CacheAnswer {
        // First what was written, then the consequence: the gate closes with the journal complete.
        let isLate = failure.code == .deadlineExceeded
        let answer =
            switch operation.kind {
            case .get: self.gate.getInstead(operation.key)
            case .set(let value, let ttlSeconds): self.gate.setInstead(operation.key, value: value, ttlSeconds: ttlSeconds, isLate: isLate)
            case .delete: self.gate.deleteInstead(operation.key, isLate: isLate)
            }
        self.judge(failure)
        return answer
    }

    /// Whether a failure means that Redis is away. A single deadline does not: a neighbour's long command can be its cause.
    private func judge(_ failure: RedisFailure) {
        switch failure.code {
        case .deadlineExceeded:
            self.deadlinesInARow += 1
            if self.deadlinesInARow >= self.maximumDeadlinesInARow { self.gate.failed(.deadlines) }
        case .queueFull:
            self.gate.failed(.overloaded)
        default:
            self.gate.failed(.failure(failure))
        }
    }
}

// MARK: The connection

extension RedisStore: RedisConnectionDelegate {
    /// Connects, and asks for a sign of life within the deadline of any command.
    /// - Returns: a future that fails with `RedisFailure`.
    package func connect() -> EventLoopFuture<Void> {
        // A closed connection neither becomes ready nor is lost: its future would never be completed.
        guard !self.isClosed else { return self.connection.eventLoop.makeFailedFuture(RedisFailure.notConnected) }
        self.connecting?.fail(RedisFailure.cancelled)
        let promise = self.connection.eventLoop.makePromise(of: Void.self)
        self.connecting = promise
        self.deadlinesInARow = 0
        self.connection.connect()
        return promise.futureResult
    }

    /// Ends the connection at once: what waits for Redis is answered from memory.
    /// - Returns: what the server called the connections that have ended.
    package func disconnect() -> [Int64] {
        self.connection.disconnect()
        self.ended(.connectionClosed)
        return self.connection.takeEndedIdentifiers()
    }

    /// Closes the connection for good once the replies that are owed have come. A `connect` under way fails.
    package func close() -> EventLoopFuture<Void> {
        self.isClosed = true
        self.connecting?.fail(RedisFailure.cancelled)
        self.connecting = nil
        return self.connection.close()
    }

    /// Asks whether Redis answers within the deadline of any command.
    /// - Returns: a future that fails with `RedisFailure`.
    package func signOfLife() -> EventLoopFuture<Void> {
        let promise = self.connection.eventLoop.makePromise(of: Void.self)
        self.askForSignOfLife(promise)
        return promise.futureResult
    }

    private func askForSignOfLife(_ promise: EventLoopPromise<Void>) {
        if let refusal = self.connection.ping(token: 0, receiver: SignOfLife(promise)) { promise.fail(refusal) }
    }

    /// The keys written lately; see `RecentWrites`.
    func takeRecentWrites() -> [[UInt8]]? { self.recentWrites.takeAll() }

    /// What the keys written lately take.
    var recentWritesReport: RecentWritesReport { self.recentWrites.report }

    package func redisConnectionReady() {
        guard let promise = self.connecting else { return }
        self.connecting = nil
        self.askForSignOfLife(promise)
    }

    package func redisConnectionLost(_ failure: RedisFailure) {
        self.gate.failed(.failure(failure))
        self.ended(failure)
    }

    private func ended(_ failure: RedisFailure) {
        self.inFlight.dropLate()
        self.connecting?.fail(failure)
        self.connecting = nil
    }
}

@available(*, unavailable)
extension RedisStore: Sendable {}

/// Waits for the reply to a PING. An error as a reply is a sign of life, too.
private final class SignOfLife: RedisReplyReceiver {
    private let promise: EventLoopPromise<Void>

    init(_ promise: EventLoopPromise<Void>) {
        self.promise = promise
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        switch result {
        case .failure(let failure) where failure.code != .serverError: self.promise.fail(failure)
        case .success, .failure: self.promise.succeed()
        }
    }
}
