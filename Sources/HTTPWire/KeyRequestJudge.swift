import Access
import Cache
import CacheAPI
import NIOCore
import Telemetry

/// Decides who answers the next request of a connection: the cache, the router, or neither, because a limit is reached.
///
/// It reads the bytes and the state of its event loop, and changes nothing but what it remembers of the caller.
struct KeyRequestJudge {
    enum Verdict {
        /// The head is not complete.
        case incompleteHead
        /// A request of so many bytes may be sent, and lacks some of them.
        case awaitBody(count: Int)
        /// The cache answers a request of so many bytes.
        /// - Parameter value: what is to be stored; nil if nothing is.
        case cache(PendingRequest, value: ByteBuffer?, count: Int)
        /// The cache answers a batch, a request of so many bytes.
        case batch(PendingBatch, count: Int)
        /// The router answers a request with a head of so many bytes.
        case router(headCount: Int)
        /// Only the codec can tell what the bytes are.
        case codec
        /// A request of so many bytes is refused, and the connection goes on.
        case refuse(LimitKind, RequestID?, count: Int)
        /// A request is refused, and the connection ends with that: what follows its head is not read.
        case refuseAndClose(LimitKind, RequestID?)
    }

    private let scope: EventLoopScope
    let recogniser: RequestRecogniser
    private let version: WireVersion
    private var access = LaneAccess()

    init(_ scope: EventLoopScope, over version: WireVersion = .http1) {
        self.scope = scope
        self.version = version
        self.recogniser = RequestRecogniser(
            maximumHeadBytes: scope.settings.maximumHeadBytes, maximumBodyBytes: scope.settings.maximumBodyBytes,
            maximumFields: scope.settings.serviceLimits.maximumHeaderFields)
    }

    /// The bound at which no request is taken now; nil if one is.
    func reachedBound(isForProbes: Bool) -> LimitKind? {
        isForProbes ? .connections : self.scope.limiter.isUnsentFull ? .unsentBytes : nil
    }

    /// - Parameters:
    ///   - input: begins with the request
    ///   - isForProbes: the connection may send a probe and nothing else
    ///   - now: nanoseconds of the monotonic clock
    mutating func judge(_ input: ByteBuffer, _ account: borrowing ConnectionAccount, isForProbes: Bool, now: Int) -> Verdict {
        switch input.withUnsafeReadableBytes({ self.recogniser.recognise($0) }) {
        case .incompleteHead: return .incompleteHead
        case .other(let headCount): return .router(headCount: headCount)
        case .notFramable: return .codec
        case .key(let request): return self.judge(request, input, countedBytes: account.countedBytes, isForProbes: isForProbes, now: now)
        }
    }

    /// Judges a canonical request, however it was found.
    ///
    /// - Parameters:
    ///   - input: begins with the request, which may lack bytes of its body
    ///   - countedBytes: how many bytes of the request count as received already
    ///   - isForProbes: the connection may send a probe and nothing else
    ///   - now: nanoseconds of the monotonic clock
    mutating func judge(_ request: KeyRequest, _ input: ByteBuffer, countedBytes: Int, isForProbes: Bool, now: Int) -> Verdict {
        if let kind = self.reachedBound(isForProbes: isForProbes) { return .refuseAndClose(kind, request.id(in: input)) }
        guard input.readableBytes >= request.count else { return self.judgeHead(request, input, countedBytes: countedBytes, now: now) }
        defer { self.access.requestTaken() }
        return self.judgeWhole(request, input, now: now)
    }

    /// The request that was admitted by its head is put off until its body has come, and others may come before it.
    mutating func setAside() { self.access.requestTaken() }

    /// The next request is one that was set aside.
    mutating func takeUp() { self.access.requestAdmitted() }

    private mutating func judgeWhole(_ request: KeyRequest, _ input: ByteBuffer, now: Int) -> Verdict {
        let router = Verdict.router(headCount: request.body.lowerBound)
        // The fields that a browser looks for in the answer are the router's.
        if request.hasOrigin, self.scope.settings.cors != nil { return router }
        // The sooner an excess request is refused, the less it costs.
        guard self.scope.hasRoomForRequest else { return .refuse(.requestsInFlight, request.id(in: input), count: request.count) }
        switch request.method {
        case .get, .delete:
            let prefix = request.isForValueItself ? CacheKey.valuePrefix : CacheKey.pathPrefix
            let targetCount = prefix.utf8CodeUnitCount + request.key.range.count
            let isTooLong = RequestJudge.isTargetTooLong(byteCount: targetCount, maximum: self.scope.settings.serviceLimits.maximumTargetBytes)
            guard !isTooLong, let key = self.key(of: request.key, in: input) else { return router }
            guard self.isAllowed(request.method == .get ? .read(key: key) : .write(key: key), request, input, now: now) else { return router }
            return .cache(self.pending(request, key, ttlSeconds: nil, input, now: now), value: nil, count: request.count)
        case .post where request.isBatch:
            return self.judgeBatch(request, input, now: now)
        case .post:
            guard let body = input.slice(request.body), case .success(let command) = SetRequest.parse(body: body, limits: self.scope.settings.limits),
                command.isPlain, self.isAllowed(.write(key: command.key), request, input, now: now)
            else { return router }
            return .cache(self.pending(request, command.key, ttlSeconds: command.ttl, input, now: now), value: command.value, count: request.count)
        case .other:
            return router
        }
    }

    private mutating func judgeBatch(_ request: KeyRequest, _ input: ByteBuffer, now: Int) -> Verdict {
        let limits = self.scope.settings.limits
        // What has tags or may be stale is the router's, as it is by itself.
        guard let body = input.slice(request.body), case .success(let operations) = BatchRequest.parse(body: body, limits: limits),
            operations.allSatisfy(\.isPlain)
        else { return .router(headCount: request.body.lowerBound) }
        if let control = self.scope.access {
            let isAllowed = input.withUnsafeReadableBytes { self.access.isAllowed(operations, request.credential, $0, control, now: now) }
            guard isAllowed else { return .router(headCount: request.body.lowerBound) }
        }
        guard self.scope.hasRoom(forBatchOf: operations) else { return .refuse(.requestsInFlight, request.id(in: input), count: request.count) }
        let batch = PendingBatch(
            operations: operations, acceptsCopy: request.fields.acceptsCopy, requestID: request.id(in: input), start: now,
            version: self.version, trace: self.scope.trace(of: request, in: input))
        return .batch(batch, count: request.count)
    }

    /// Judges a request by its head: if its body may not be sent, the client learns so at once, and nothing of it is kept.
    private mutating func judgeHead(_ request: KeyRequest, _ input: ByteBuffer, countedBytes: Int, now: Int) -> Verdict {
        let router = Verdict.router(headCount: request.body.lowerBound)
        guard self.scope.hasRoomForRequest else { return .refuseAndClose(.requestsInFlight, request.id(in: input)) }
        if request.hasOrigin, self.scope.settings.cors != nil { return router }
        if let control = self.scope.access {
            let scope: AccessScopes = request.isBatch ? [] : .write
            let isAdmitted = input.withUnsafeReadableBytes { self.access.admits(scope, request.credential, $0, control, now: now) }
            guard isAdmitted else { return router }
        }
        guard self.scope.limiter.hasRoomToReceive(request.count - countedBytes) else { return .refuseAndClose(.receivedBytes, request.id(in: input)) }
        return .awaitBody(count: request.count)
    }

    private mutating func isAllowed(_ action: AccessAction, _ request: KeyRequest, _ input: ByteBuffer, now: Int) -> Bool {
        guard let control = self.scope.access else { return true }
        return input.withUnsafeReadableBytes { self.access.isAllowed(action, request.credential, $0, control, now: now) }
    }

    private func key(of target: TargetKey, in input: ByteBuffer) -> ByteBuffer? {
        let limits = self.scope.settings.limits
        guard target.range.count <= limits.maximumKeyBytes * 3, let encoded = input.slice(target.range) else { return nil }
        guard target.isEncoded else { return encoded.readableBytes <= limits.maximumKeyBytes && !TagVersion.isKey(encoded) ? encoded : nil }
        return CacheKey.fromPath(encoded, limits: limits)
    }

    private func pending(_ request: KeyRequest, _ key: ByteBuffer, ttlSeconds: Int64?, _ input: ByteBuffer, now: Int) -> PendingRequest {
        PendingRequest(
            method: request.method, key: key, ttlSeconds: ttlSeconds, acceptsCopy: request.fields.acceptsCopy, requestID: request.id(in: input),
            start: now, version: self.version, trace: self.scope.trace(of: request, in: input), isForValueItself: request.isForValueItself,
            conditions: RequestConditions(ifNoneMatch: request.ifNoneMatch.flatMap { input.slice($0) }))
    }
}

/// Access control of the lane, for one connection. The same function decides in the router, which answers whoever is refused.
struct LaneAccess {
    /// Who asked last.
    private var memory = CallerMemory()
    /// The request at hand has been admitted by its head, before its body came.
    private var isRequestAdmitted = false

    /// Whether the sender of a request may do this.
    /// - Parameters:
    ///   - head: the bytes in which the credential stands
    ///   - now: nanoseconds of the monotonic clock
    mutating func isAllowed(
        _ action: AccessAction, _ credential: CredentialField?, _ head: UnsafeRawBufferPointer, _ control: AccessControl, now: Int
    ) -> Bool {
        let caller = self.caller(credential, head, control, now: now)
        // A request too many is refused by the router, which takes no second token for it.
        return caller.verdict(action) == .allowed && (self.isRequestAdmitted || caller.admit(now: now) == nil)
    }

    /// Whether the sender of a batch may do all of it, which counts as so many requests.
    mutating func isAllowed(
        _ operations: [BatchOperation], _ credential: CredentialField?, _ head: UnsafeRawBufferPointer, _ control: AccessControl, now: Int
    ) -> Bool {
        let caller = self.caller(credential, head, control, now: now)
        let count = max(1, operations.count) - (self.isRequestAdmitted ? 1 : 0)
        return caller.verdict(operations) == .allowed && (count == 0 || caller.admit(count, now: now) == nil)
    }

    /// Whether the sender of a request may do anything of this kind: asked before its body is there.
    mutating func admits(
        _ scope: AccessScopes, _ credential: CredentialField?, _ head: UnsafeRawBufferPointer, _ control: AccessControl, now: Int
    ) -> Bool {
        let caller = self.caller(credential, head, control, now: now)
        self.isRequestAdmitted = caller.verdict(scope) == .allowed && caller.admit(now: now) == nil
        return self.isRequestAdmitted
    }

    /// The next request has not been admitted yet.
    mutating func requestTaken() { self.isRequestAdmitted = false }

    /// The next request has been admitted by its head.
    mutating func requestAdmitted() { self.isRequestAdmitted = true }

    private mutating func caller(
        _ credential: CredentialField?, _ head: UnsafeRawBufferPointer, _ control: AccessControl, now: Int
    ) -> AccessCaller {
        RequestJudge.caller(credential, in: head) { self.memory.caller($0, control, now: now) }
    }
}

extension KeyRequest {
    /// The request's id, if it brought one.
    func id(in input: ByteBuffer) -> RequestID? { self.requestID.flatMap { input.slice($0).map(RequestID.received) } }
}

extension ByteBuffer {
    /// The bytes at these offsets from the first readable one.
    fileprivate func slice(_ range: Range<Int>) -> ByteBuffer? { self.getSlice(at: self.readerIndex + range.lowerBound, length: range.count) }
}
