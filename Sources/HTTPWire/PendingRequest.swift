import Cache
import CacheAPI
import NIOCore
import Telemetry

/// A request for a key, as the cache is asked, without the value that it may carry.
struct PendingRequest {
    let method: RequestMethod
    let key: ByteBuffer
    let ttlSeconds: Int64?
    /// Whether the answer may come from a copy of an earlier read.
    let acceptsCopy: Bool
    let requestID: RequestID?
    let start: Int
    let version: WireVersion
    /// nil if the access log has no use for it.
    let trace: TraceContext?
    /// Whether the value itself is wanted, not the JSON document around it.
    let isForValueItself: Bool
    /// What the request expects of the value.
    let conditions: RequestConditions

    /// The answer of the contract to what the cache says.
    fileprivate func answer(_ outcome: CacheAnswer) -> Answer {
        if self.method == .post { return .store(self.key, ttlSeconds: self.ttlSeconds, outcome) }
        return self.isForValueItself
            ? .value(outcome, conditions: self.conditions) : .lookup(self.key, outcome, conditions: self.conditions)
    }
}

extension EventLoopScope {
    /// Counts a refusal, and returns its answer.
    func refuse(_ kind: LimitKind, by handler: RequestHandlerKind) -> Answer {
        let answer = self.limiter.refuse(kind)
        self.httpCounters.record(answer.status, by: handler)
        return answer
    }

    /// Whether another request may wait for the cache.
    var hasRoomForRequest: Bool { self.waitingRequests < self.maximumWaitingRequests }

    /// A request waits for the cache, or does so no longer.
    func recordWaiting(began: Bool) {
        self.waitingRequests += began ? 1 : -1
        self.httpCounters.recordInFlight(began: began)
    }

    /// Asks the cache. Returns its answer, or nil if `receiver` gets it later.
    func ask(_ request: PendingRequest, value: ByteBuffer?, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        if let value {
            return self.cache.set(request.key, value: value, ttlSeconds: request.ttlSeconds, now: now, token: token, receiver: receiver)
        }
        guard request.method == .get else { return self.cache.delete(request.key, now: now, token: token, receiver: receiver) }
        let acceptsCopy = request.acceptsCopy
        guard
            let answer = self.cache.get(
                request.key, acceptsCopy: acceptsCopy, wantsTimeToLive: true, now: now, token: token, receiver: receiver)
        else { return nil }
        return self.resolver.resolve(answer, acceptsCopy: acceptsCopy, now: now, token: token, receiver: receiver)
    }

    /// What comes of an answer that has come later. Returns nil if `receiver` gets it later still.
    func resolve(_ answer: CacheAnswer, to request: PendingRequest, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        self.resolver.resolve(answer, acceptsCopy: request.acceptsCopy, now: request.start, token: token, receiver: receiver)
    }

    /// The answer to the client; counts and logs it.
    func answer(_ request: PendingRequest, _ outcome: CacheAnswer) -> (Answer, AnswerTrailer) {
        let answer = request.answer(outcome)
        let trailer = self.trailer(requestID: request.requestID, start: request.start)
        self.count(request, answer, trailer)
        return (answer, trailer)
    }
}

/// What is counted and logged of the lane's answers.
extension EventLoopScope {
    /// Counts an answer, and logs it if that is wanted.
    func count(_ request: PendingRequest, _ answer: Answer, _ trailer: AnswerTrailer) {
        self.httpCounters.record(answer.status, by: .fastLane)
        answer.record(request.method.operation, nanoseconds: trailer.processNanoseconds, in: self.counters)
        guard let log = self.accessLog, log.wants(answer.status, nanoseconds: trailer.processNanoseconds) else { return }
        log.write(self.logEntry(request, answer, trailer), now: request.start + trailer.processNanoseconds)
    }

    private func logEntry(_ request: PendingRequest, _ answer: Answer, _ trailer: AnswerTrailer) -> AccessLogEntry {
        let key = request.method == .post ? "" : "/" + AccessLogEntry.shortened(request.key.readableBytesView)
        return AccessLogEntry(
            method: request.method.name, path: (request.isForValueItself ? "/values" : "/cache") + key, status: answer.status,
            responseBytes: answer.body.count,
            nanoseconds: trailer.processNanoseconds, requestID: trailer.requestID, cacheStatus: answer.cacheStatus, handler: .fastLane,
            version: request.version, trace: request.trace)
    }

    /// The request's trace; not even looked for if no line of the log may need it.
    func trace(of request: KeyRequest, in head: ByteBuffer) -> TraceContext? {
        guard self.accessLog != nil, let field = request.trace else { return nil }
        return head.withUnsafeReadableBytes { RequestJudge.trace(field, in: $0) }
    }
}

extension RequestMethod {
    /// The operation on a key that the method stands for.
    var operation: CacheOperation {
        switch self {
        case .get, .other: .get
        case .post: .set
        case .delete: .delete
        }
    }

    /// The method's name.
    var name: String {
        switch self {
        case .get: "GET"
        case .post: "POST"
        case .delete: "DELETE"
        case .other: "OTHER"
        }
    }
}
