import MemoryStore
package import NIOCore
package import RESP
package import RedisClient

/// Redis as the store of one event loop.
///
/// The operation goes to this loop's connection and the answer comes later, unless the gate, which all event loops share, lets memory answer.
/// What Redis does not answer as it should, memory answers in its place, and the gate remembers what Redis has missed. A read for which the near cache
/// has a copy does not get as far as Redis.
package final class RedisStore: CacheStore {
    private let connection: any RedisStoreConnection
    private let gate: OutageGate
    /// nil if no copies are kept.
    private let near: NearConnection?
    private var inFlight = InFlightOperations()
    private var recentWrites: RecentWrites
    /// Gets the replies to what asks Redis to track a read.
    private lazy var consents = TrackingConsents(self)
    private var deadlinesInARow = 0
    private let maximumDeadlinesInARow: Int
    /// Fulfilled when the connection has answered.
    private var connecting: EventLoopPromise<Void>?
    /// Whether the connection has ended for good.
    private var isClosed = false

    /// - Parameters:
    ///   - connection: this loop's; the gate's recovery connects it.
    ///   - eventLoop: the number of this event loop among those of the process, from 0.
    ///   - eventLoopCount: how many share the bounds of `OutageSettings`.
    package init(connection: any RedisStoreConnection, gate: OutageGate, eventLoop: Int = 0, eventLoopCount: Int = 1) {
        self.connection = connection
        self.gate = gate
        self.near = gate.near.map { NearConnection($0, connection: UInt16(eventLoop), eventLoop: connection.eventLoop) }
        self.recentWrites = RecentWrites(
            span: gate.settings.effectiveRecentWritesSpan, maximumBytes: gate.settings.recentWritesBytes / max(1, eventLoopCount))
        self.maximumDeadlinesInARow = gate.settings.deadlinesInARow
        connection.delegate = self
    }

    /// The counters of this loop's connection.
    package var redisCounters: RedisCounters { self.connection.counters }

    /// What happened to this loop's copies; nil if there are none.
    package var nearCounters: NearCounters? { self.near?.counters }

    package func get(
        _ key: ByteBuffer, acceptsCopy: Bool, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        let time = MonotonicTime(nanoseconds: now)
        guard let near else {
            if !self.gate.isOpen, let answer = self.gate.get(key, acceptsCopy: acceptsCopy, now: time) { return answer }
            return self.read(InFlightOperation(kind: .get, key: key, token: token, receiver: receiver, acceptsCopy: acceptsCopy))
        }
        let hash = near.cache.hash(key)
        if acceptsCopy, self.gate.isOpen, let answer = near.answer(key, hash, now: time) { return answer }
        // The ticket before the gate: a write that the journal takes in between makes it invalid.
        let ticket = near.ticket(hash)
        if !self.gate.isOpen {
            if let answer = self.gate.get(key, acceptsCopy: acceptsCopy, now: time) { return answer }
            if acceptsCopy, let answer = near.answer(key, hash, now: time) { return answer }
        }
        if acceptsCopy, let read = near.sharedRead(hash),
            self.inFlight.share(read, key: key, near.cache.fence, with: InFlightOperation.Waiter(token: token, receiver: receiver))
        {
            near.counters.record(.shared)
            return nil
        }
        let isTracked = near.shouldTrack(hash)
        let copy = InFlightOperation.Copy(
            hash: hash, ticket: ticket, sent: time, isToBeKept: isTracked || near.keepsUntracked(hash))
        return self.read(
            InFlightOperation(kind: .get, key: key, token: token, receiver: receiver, acceptsCopy: acceptsCopy, copy: copy), isTracked: isTracked)
    }

    private func read(_ operation: InFlightOperation, isTracked: Bool = false) -> CacheAnswer? {
        let key = operation.key
        let slot = self.inFlight.insert(operation)
        let refusal =
            isTracked
            ? self.connection.trackedGet(key, token: slot, receiver: self, consentReceiver: self.consents)
            : self.connection.get(key, token: slot, receiver: self)
        if let refusal { return self.refused(slot, refusal) }
        if self.connection.pttl(key, token: slot, receiver: self) != nil { self.inFlight.timeToLiveRefused(slot) }
        if let copy = operation.copy { self.near?.readBegan(copy.hash, token: slot) }
        return nil
    }

    package func set(
        _ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        if !self.gate.isOpen, let answer = self.gate.set(key, value: value, ttlSeconds: ttlSeconds, now: MonotonicTime(nanoseconds: now)) {
            return answer
        }
        let slot = self.insertWrite(.set(value: value, ttlSeconds: ttlSeconds), key, now, token, receiver)
        let milliseconds = ttlSeconds.map { $0 * 1000 }
        return self.connection.set(key, value, ttlMilliseconds: milliseconds, token: slot, receiver: self).flatMap { self.refused(slot, $0) }
    }

    package func delete(_ key: ByteBuffer, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        if !self.gate.isOpen, let answer = self.gate.delete(key, now: MonotonicTime(nanoseconds: now)) { return answer }
        let slot = self.insertWrite(.delete, key, now, token, receiver)
        return self.connection.unlink(key, token: slot, receiver: self).flatMap { self.refused(slot, $0) }
    }

    private func insertWrite(
        _ kind: InFlightOperation.Kind, _ key: ByteBuffer, _ now: Int, _ token: UInt64, _ receiver: any CacheAnswerReceiver
    ) -> UInt64 {
        var operation = InFlightOperation(kind: kind, key: key, token: token, receiver: receiver)
        if let near {
            let hash = near.cache.hash(key)
            near.writeBegan(hash)
            operation.copy = InFlightOperation.Copy(
                hash: hash, ticket: near.ticket(hash), sent: MonotonicTime(nanoseconds: now), isToBeKept: false)
        }
        return self.inFlight.insert(operation)
    }

    /// The connection did not take the command of an operation.
    private func refused(_ slot: UInt64, _ refusal: RedisFailure) -> CacheAnswer? {
        guard let operation = self.inFlight.remove(slot) else { return nil }
        self.ended(operation, slot)
        return self.fallBack(operation, refusal)
    }

    /// An operation is about to be answered.
    private func ended(_ operation: InFlightOperation, _ slot: UInt64) {
        guard let near, let copy = operation.copy else { return }
        if operation.isWrite {
            near.writeEnded(operation.key, copy.hash)
        } else {
            near.readEnded(copy.hash, token: slot)
        }
    }
}

// MARK: Replies

extension RedisStore: RedisReplyReceiver {
    package func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        guard let (operation, step) = self.inFlight.take(result, token: token) else { return }
        self.ended(operation, token)
        let answer: CacheAnswer
        switch step {
        case .answer(let settled):
            self.deadlinesInARow = 0
            if operation.isWrite { self.recentWrites.record(operation.key, now: Int(NIODeadline.now().uptimeNanoseconds)) }
            self.keep(operation)
            answer = settled
        case .fallBack(let failure):
            answer = self.fallBack(operation, failure)
        }
        operation.receiver.cacheAnswered(answer, token: operation.token)
        for waiter in operation.waiters { waiter.receiver.cacheAnswered(answer, token: waiter.token) }
    }

    private func keep(_ operation: InFlightOperation) {
        guard let near, let read = operation.keepable, let copy = operation.copy else { return }
        near.keep(operation.key, copy.hash, read, copy.ticket, sent: copy.sent)
    }

    package func redisRepliedLate(token: UInt64) {
        if let key = self.inFlight.takeLate(token: token) { self.gate.repliedLate(key) }
    }

    private func fallBack(_ operation: InFlightOperation, _ failure: RedisFailure) -> CacheAnswer {
        // First what was written, then the consequence: the gate closes with the journal complete.
        let isLate = failure.code == .deadlineExceeded
        let answer =
            switch operation.kind {
            case .get: self.gate.getInstead(operation.key, acceptsCopy: operation.acceptsCopy)
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
        self.near?.ended(now: .now)
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
        self.near?.began(isTracking: self.connection.isTracking) { [weak self] in self?.checkCoverage() }
        guard let promise = self.connecting else { return }
        self.connecting = nil
        self.askForSignOfLife(promise)
    }

    package func redisConnectionLost(_ failure: RedisFailure) {
        self.gate.failed(.failure(failure))
        self.ended(failure)
    }

    package func redisPushed(_ elements: [RESPValue]) { self.near?.pushed(elements) }

    /// Whether the connection that vouches for copies still answers: a server that has stopped says nothing of changes either.
    private func checkCoverage() {
        guard let near, near.shouldAskForSignOfLife() else { return }
        let check = CoverageCheck(near) { [weak self] in self?.checkCoverage() }
        if self.connection.ping(token: 0, receiver: check) != nil {
            near.isLate()
            near.isSilent(now: .now)
        }
    }

    private func ended(_ failure: RedisFailure) {
        self.near?.ended(now: .now)
        self.inFlight.dropLate()
        self.connecting?.fail(failure)
        self.connecting = nil
    }
}

@available(*, unavailable)
extension RedisStore: Sendable {}

extension RedisStore {
    /// Redis did not agree to track a read, or may not have.
    fileprivate func trackingRefused(_ token: UInt64, _ failure: RedisFailure?) {
        self.inFlight.trackingRefused(token)
        if failure?.code == .serverError { self.near?.trackingRefused(now: .now) }
    }
}

/// Takes the replies to `CLIENT CACHING YES`, each of which comes before that of the read it is about.
private final class TrackingConsents: RedisReplyReceiver {
    private unowned let store: RedisStore

    init(_ store: RedisStore) {
        self.store = store
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        switch result {
        case .success(.simpleOK): break
        case .success: self.store.trackingRefused(token, nil)
        case .failure(let failure): self.store.trackingRefused(token, failure)
        }
    }
}

/// Waits for the sign of life of a connection that vouches for copies. One that comes late says only how things were when it was asked for, so another
/// is asked for at once.
private final class CoverageCheck: RedisReplyReceiver {
    private let near: NearConnection
    private let askAgain: () -> Void

    init(_ near: NearConnection, askAgain: @escaping () -> Void) {
        self.near = near
        self.askAgain = askAgain
    }

    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        switch result {
        case .success: self.near.isAlive()
        case .failure(let failure) where failure.code == .serverError: self.near.isAlive()
        case .failure(let failure) where failure.code == .deadlineExceeded: self.near.isSilent(now: .now)
        // The connection has ended, and its copies with it.
        case .failure: break
        }
    }

    func redisRepliedLate(token: UInt64) {
        self.near.isLate()
        self.askAgain()
    }
}

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
