import MemoryStore
package import NIOCore
package import RESP
package import RedisClient

/// One shard of Redis as the store of one event loop.
///
/// The operation goes to this loop's connection and the answer comes later, unless the gate, which all event loops share, lets memory answer.
/// What Redis does not answer as it should, memory answers in its place, and the gate remembers what Redis has missed. A read for which the near cache
/// has a copy does not get as far as Redis. What belongs to another shard goes back to `ClusterStore`, which asks this one only for slots that it serves.
package final class RedisStore {
    /// The number of the shard.
    package let shard: Int
    let connection: any RedisStoreConnection
    let gate: OutageGate
    let slots: SlotTable
    /// nil if no copies are kept.
    let near: NearConnection?
    /// Takes what another node should do; nil if there is no other.
    weak var redirects: (any RedirectHandler)?
    /// What is asked for to see whether the node serves keys.
    var probe: ProbeKey
    private var inFlight = InFlightOperations()
    private var recentWrites: RecentWrites
    /// Gets the replies to what asks Redis to track a read.
    private lazy var consents = TrackingConsents(self)
    private var missedDeadlines: MissedDeadlines
    private let eventLoopCount: Int
    /// Fulfilled when the connection has answered.
    private var connecting: EventLoopPromise<Void>?
    /// Whether the connection has ended for good.
    private var isClosed = false

    /// - Parameters:
    ///   - connection: this loop's to the shard; the gate's recovery connects it.
    ///   - slots: who serves which keys; the near cache's, if there is one.
    ///   - eventLoop: the number of this event loop among those of the process, from 0.
    ///   - eventLoopCount: how many share the bounds of `OutageSettings`.
    ///   - probePrefix: what the keys begin with that are asked for as a sign of life.
    ///   - nearCounters: what this loop's stores count together; nil for counters of its own.
    package init(
        connection: any RedisStoreConnection, gate: OutageGate, shard: Int, slots: SlotTable, eventLoop: Int = 0, eventLoopCount: Int = 1,
        probePrefix: String = "redis-caching-agent:probe", nearCounters: NearCounters? = nil
    ) {
        self.connection = connection
        self.gate = gate
        self.shard = shard
        self.slots = slots
        self.near = gate.near.map {
            NearConnection(
                $0, connection: UInt16(shard * eventLoopCount + eventLoop), eventLoop: connection.eventLoop,
                counters: nearCounters ?? NearCounters())
        }
        self.probe = ProbeKey(prefix: probePrefix)
        self.recentWrites = RecentWrites(
            span: gate.recentWritesSpan, maximumBytes: gate.settings.recentWritesBytes / max(1, eventLoopCount))
        self.eventLoopCount = max(1, eventLoopCount)
        self.missedDeadlines = MissedDeadlines(maximum: gate.settings.deadlinesInARow)
        connection.delegate = self
    }

    /// The counters of this loop's connection.
    package var redisCounters: RedisCounters { self.connection.counters }

    /// What happened to this loop's copies; nil if there are none.
    package var nearCounters: NearCounters? { self.near?.counters }

    // MARK: Operations

    /// See `CacheStore`. The shard serves `place`.
    func get(
        _ key: ByteBuffer, at place: SlotTable.Place, acceptsCopy: Bool, wantsTimeToLive: Bool, now: Int, token: UInt64,
        receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        let time = MonotonicTime(nanoseconds: now)
        var operation = InFlightOperation(
            kind: .get, key: key, slot: place.slot, began: now, token: token, receiver: receiver, acceptsCopy: acceptsCopy,
            asksTimeToLive: wantsTimeToLive)
        guard let near else {
            if !self.gate.isOpen(self.shard), let answer = self.memoryAnswer(operation, time) { return answer }
            return self.send(operation)
        }
        let hash = near.cache.hash(key)
        if acceptsCopy, self.gate.isOpen(self.shard), let answer = near.answer(key, hash, at: place, now: time) { return answer }
        // The ticket before the gate: a write that the journal takes in between makes it invalid.
        let ticket = near.ticket(hash, at: place)
        if !self.gate.isOpen(self.shard) {
            if let answer = self.memoryAnswer(operation, time) { return answer }
            if acceptsCopy, let answer = near.answer(key, hash, at: place, now: time) { return answer }
        }
        if acceptsCopy, let read = near.sharedRead(hash),
            self.inFlight.share(
                read, key: key, wantsTimeToLive: wantsTimeToLive, near.cache.fence,
                with: InFlightOperation.Waiter(token: token, receiver: receiver))
        {
            near.counters.record(.shared)
            return nil
        }
        let isTracked = near.shouldTrack(hash)
        operation.readsForCopy(
            InFlightOperation.Copy(hash: hash, ticket: ticket, sent: time, isToBeKept: isTracked || near.keepsUntracked(hash)))
        return self.send(operation, isTracked: isTracked)
    }

    private func memoryAnswer(_ read: InFlightOperation, _ now: MonotonicTime) -> CacheAnswer? {
        self.gate.get(read.key, slot: read.slot, shard: self.shard, acceptsCopy: read.acceptsCopy, now: now)
    }

    /// See `CacheStore`. The shard serves `place`.
    func set(
        _ key: ByteBuffer, at place: SlotTable.Place, value: ByteBuffer, ttlSeconds: Int64?, now: Int, token: UInt64,
        receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        if !self.gate.isOpen(self.shard),
            let answer = self.gate.set(key, slot: place.slot, value: value, ttlSeconds: ttlSeconds, now: MonotonicTime(nanoseconds: now))
        {
            return answer
        }
        return self.write(.set(value: value, ttlSeconds: ttlSeconds), key, place, now, token, receiver)
    }

    /// See `CacheStore`. The shard serves `place`.
    func delete(_ key: ByteBuffer, at place: SlotTable.Place, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        if !self.gate.isOpen(self.shard),
            let answer = self.gate.delete(key, slot: place.slot, now: MonotonicTime(nanoseconds: now))
        {
            return answer
        }
        return self.write(.delete, key, place, now, token, receiver)
    }

    /// See `CacheStore`. The shard serves `place`.
    func change(
        _ key: ByteBuffer, at place: SlotTable.Place, _ change: CacheChange, whileAway: ChangeWhileAway, now: Int, token: UInt64,
        receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        if !self.gate.isOpen(self.shard),
            let answer = self.gate.change(
                key, slot: place.slot, shard: self.shard, change, whileAway: whileAway, now: MonotonicTime(nanoseconds: now))
        {
            return answer
        }
        return self.write(.change(change, whileAway), key, place, now, token, receiver)
    }

    private func write(
        _ kind: InFlightOperation.Kind, _ key: ByteBuffer, _ place: SlotTable.Place, _ now: Int, _ token: UInt64,
        _ receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        var operation = InFlightOperation(kind: kind, key: key, slot: place.slot, began: now, token: token, receiver: receiver)
        if let near {
            let hash = near.cache.hash(key)
            operation.copy = InFlightOperation.Copy(
                hash: hash, ticket: near.ticket(hash, at: place), sent: MonotonicTime(nanoseconds: now), isToBeKept: false)
        }
        return self.send(operation)
    }

    // MARK: Sending

    /// Sends an operation.
    /// - Returns: the answer from memory if the connection does not take it.
    private func send(_ operation: InFlightOperation, isTracked: Bool = false) -> CacheAnswer? {
        guard let refusal = self.dispatch(operation, isTracked: isTracked, isAsking: false) else { return nil }
        return self.fallBack(operation, refusal)
    }

    /// Sends an operation again that another shard's node has sent here.
    /// - Parameters:
    ///   - isAsking: whether the slot is only about to become this shard's. What is read then is not kept: it is not tracked where the next read goes.
    ///   - now: nanoseconds of the monotonic clock.
    /// - Returns: false if the gate or the connection does not let it through: then nothing has happened.
    func resend(_ operation: InFlightOperation, isAsking: Bool, now: Int) -> Bool {
        var operation = operation
        operation.restart()
        var isTracked = false
        if let near, let copy = operation.copy {
            let place = self.slots.place(ofSlot: operation.slot)
            let isToBeKept = copy.isToBeKept && !isAsking && place.shard == self.shard
            isTracked = isToBeKept && near.isTracking
            // The ticket before the gate, as in `get`.
            operation.copy = InFlightOperation.Copy(
                hash: copy.hash, ticket: near.ticket(copy.hash, at: place), sent: MonotonicTime(nanoseconds: now),
                isToBeKept: isTracked || (isToBeKept && near.keepsForAWhile))
        }
        return self.gate.isAsked(self.shard, for: operation.key, slot: operation.slot)
            && self.dispatch(operation, isTracked: isTracked, isAsking: isAsking) == nil
    }

    /// Keeps an operation until its replies have come, and sends its commands.
    /// - Returns: why the connection does not take them: then no reply comes.
    private func dispatch(_ operation: InFlightOperation, isTracked: Bool, isAsking: Bool) -> RedisFailure? {
        if operation.isWrite, let near, let copy = operation.copy { near.writeBegan(copy.hash) }
        let flight = self.inFlight.insert(operation)
        let sent = self.connection.send(
            operation, token: flight, isTracked: isTracked, isAsking: isAsking, receiver: self, consentReceiver: self.consents)
        guard case .refused(let refusal) = sent else {
            if case .withoutTimeToLive = sent { self.inFlight.timeToLiveRefused(flight) }
            if !operation.isWrite, let copy = operation.copy { self.near?.readBegan(copy.hash, token: flight) }
            return nil
        }
        _ = self.inFlight.remove(flight)
        self.ended(operation, flight)
        return refusal
    }

    /// An operation is about to be answered, or to be sent elsewhere.
    private func ended(_ operation: InFlightOperation, _ flight: UInt64) {
        guard let near, let copy = operation.copy else { return }
        if operation.isWrite {
            near.writeEnded(operation.key, copy.hash)
        } else {
            near.readEnded(copy.hash, token: flight)
        }
    }
}

@available(*, unavailable)
extension RedisStore: Sendable {}

// MARK: Replies

extension RedisStore: RedisReplyReceiver {
    package func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64) {
        guard let (operation, step) = self.inFlight.take(result, token: token) else { return }
        self.ended(operation, token)
        switch step {
        case .answer(let answer):
            self.missedDeadlines.answered()
            self.record(operation, answer)
            self.keep(operation)
            operation.deliver(answer)
        case .commandRefused(let command, let failure):
            self.missedDeadlines.answered()
            self.gate.commandRefused(command, failure)
            operation.deliver(.unavailable(.redis))
        case .redirected(let redirect, let failure):
            self.missedDeadlines.answered()
            guard self.slots.isCluster, let redirects else {
                return operation.deliver(operation.partialAnswer ?? self.fallBack(operation, failure))
            }
            redirects.redirected(operation, redirect, failure, by: self)
        case .fallBack(let failure):
            operation.deliver(self.fallBack(operation, failure))
        }
    }

    /// Remembers what a server that takes over may lack.
    private func record(_ operation: InFlightOperation, _ answer: CacheAnswer) {
        guard operation.isWrite else { return }
        if case .change(let change, _) = operation.kind {
            if let command = change.optionalCommand { self.gate.commandAccepted(command) }
            guard answer.isChange else { return }
        }
        self.recentWrites.record(operation.key, now: Int(NIODeadline.now().uptimeNanoseconds))
    }

    private func keep(_ operation: InFlightOperation) {
        guard let near, let read = operation.keepable, let copy = operation.copy else { return }
        near.keep(operation.key, copy.hash, read, copy.ticket, sent: copy.sent)
    }

    package func redisRepliedLate(token: UInt64) {
        if let write = self.inFlight.takeLate(token: token) { self.gate.repliedLate(write.key, slot: write.slot) }
    }

    private func fallBack(_ operation: InFlightOperation, _ failure: RedisFailure) -> CacheAnswer {
        // First what was written, then the consequence: the gate closes with the journal complete.
        let answer = self.answerInstead(operation, failure)
        self.judge(failure, operation.slot)
        return answer
    }

    /// What memory answers to an operation that Redis did not. The gate stays as it is.
    func answerInstead(_ operation: InFlightOperation, _ failure: RedisFailure) -> CacheAnswer {
        let (key, slot) = (operation.key, operation.slot)
        // Redis may still carry it out, over a connection that lives.
        let isLate = failure.code == .deadlineExceeded
        return switch operation.kind {
        case .get:
            self.gate.getInstead(key, slot: slot, acceptsCopy: operation.acceptsCopy)
        case .set(let value, let ttlSeconds):
            self.gate.setInstead(key, slot: slot, shard: self.shard, value: value, ttlSeconds: ttlSeconds, isLate: isLate)
        case .delete:
            self.gate.deleteInstead(key, slot: slot, shard: self.shard, isLate: isLate)
        case .change(let change, let whileAway):
            failure.meansNothingWasDone ? self.gate.changeInstead(key, slot: slot, change, whileAway: whileAway) : .unavailable(.outage)
        }
    }

    /// Whether a failure means that Redis is away.
    private func judge(_ failure: RedisFailure, _ slot: UInt16) {
        switch failure.code {
        case .deadlineExceeded:
            let now = Int(NIODeadline.now().uptimeNanoseconds)
            if self.missedDeadlines.missed(received: self.connection.counters.receivedBytes, now: now) {
                self.gate.failed(.deadlines, shard: self.shard)
            }
        case .queueFull:
            self.gate.failed(.overloaded, shard: self.shard)
        default:
            self.judgeError(failure, slot)
        }
    }

    /// A node that refuses a key, or the sign of life in its slot. One slot without a node says nothing of the others.
    func judgeError(_ failure: RedisFailure, _ slot: UInt16) {
        if self.slots.isCluster, failure.isClusterDown, let redirects {
            guard !failure.isAboutTheSlot else { return redirects.unserved(slot) }
            redirects.clusterDown(self.shard)
        }
        self.gate.failed(.failure(failure), shard: self.shard)
    }

    /// Redis did not agree to track a read, or may not have.
    func trackingRefused(_ token: UInt64, _ failure: RedisFailure?) {
        self.inFlight.trackingRefused(token)
        if failure?.code == .serverError { self.near?.trackingRefused(now: .now) }
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
        self.missedDeadlines.answered()
        self.recentWrites.limit(
            span: self.gate.recentWritesSpan, maximumBytes: self.gate.settings.recentWritesBytes / (self.eventLoopCount * self.gate.shardsInUse.count)
        )
        self.connection.connect()
        return promise.futureResult
    }

    /// The shard has another address: the next connection goes there.
    package func move(to endpoint: RedisEndpoint) { self.connection.move(to: endpoint) }

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
        self.gate.failed(.failure(failure), shard: self.shard)
        self.ended(failure)
    }

    package func redisPushed(_ elements: [RESPValue]) { self.near?.pushed(elements) }

    private func ended(_ failure: RedisFailure) {
        self.near?.ended(now: .now)
        self.inFlight.dropLate()
        self.connecting?.fail(failure)
        self.connecting = nil
    }
}
