import Access
import Cache
import Hummingbird
import NIOCore

/// `/cache` and everything below it.
///
/// Below `/cache/` the decoded path decides, not the spelling: `/cache/%73tats` is `/cache/stats`, as it was in the old service and as a
/// front end that normalises escapes would make it. Every key can be named by `?key=`.
struct CacheRoutes: Sendable {
    let service: CacheService
    let settings: HTTPSettings
    let responder: AnswerResponder
    let httpCounters: HTTPCounterSet

    func add(to router: Router<CacheRequestContext>) {
        router.on("/cache", method: .get, use: self.getByQuery)
        router.on("/cache", method: .head, use: self.getByQuery)
        router.on("/cache", method: .delete, use: self.deleteByQuery)
        router.on("/cache", method: .post, use: self.set)
        router.on("/cache/**", method: .get, use: self.getByPath)
        router.on("/cache/**", method: .head, use: self.getByPath)
        router.on("/cache/**", method: .delete, use: self.deleteByPath)
        router.on("/cache/**", method: .post, use: self.postBelow)
    }

    /// What is answered to a caller who may do nothing of the kind, before anything else of the request is looked at.
    private func refusal(_ scope: AccessScopes, _ request: Request, _ context: CacheRequestContext) -> Response? {
        Answer.refusal(context.caller.verdict(scope)).map { self.responder.response($0, to: request, context) }
    }

    // MARK: Keys

    private enum KeyFinding {
        case key(ByteBuffer)
        case answer(Answer)
    }

    /// The key that the path names.
    private func pathKey(_ request: Request) throws -> KeyFinding {
        guard let encoded = TargetText(request.head.path ?? "").rest(after: "/cache/") else { throw HTTPError(.notFound) }
        guard let key = PercentDecoding.decode(encoded) else {
            return .answer(Answer(.badRequest, .detail("Incomplete percent escape in the path")))
        }
        guard key.readableBytes > 0 else { throw HTTPError(.notFound) }
        return self.checked(key, at: .path("key"))
    }

    /// The key that `?key=` names.
    private func queryKey(_ request: Request) throws -> KeyFinding {
        let target = TargetText(request.head.path ?? "")
        guard target.hasPath("/cache") else { throw HTTPError(.notFound) }
        switch target.parameter("key") {
        case .value(let key): return self.checked(key, at: .query("key"))
        case .missing: return .answer(.validation([ValidationFault(.missing, at: .query("key"), input: .null)]))
        case .incompleteEscape: return .answer(Answer(.badRequest, .detail("Incomplete percent escape in the query")))
        }
    }

    private func checked(_ key: ByteBuffer, at location: ValidationFault.Location) -> KeyFinding {
        guard let kind = CacheKey.fault(of: key, limits: self.settings.limits) else { return .key(key) }
        var input = ByteBuffer()
        // A key that is no UTF-8 cannot be echoed in JSON.
        if kind != .stringUnicode { JSONWriter.writeString(key, into: &input) }
        return .answer(.validation([ValidationFault(kind, at: location, input: kind == .stringUnicode ? .null : .value(input))]))
    }

    // MARK: Get and delete

    private func getByPath(_ request: Request, _ context: CacheRequestContext) async throws -> Response {
        let finding = try self.pathKey(request)
        if case .key(let key) = finding, CacheKey.isStatistics(key) { return await self.statistics(request, context) }
        if let refusal = self.refusal(.read, request, context) { return refusal }
        switch finding {
        case .answer(let answer): return self.responder.response(answer, to: request, context)
        case .key(let key): return await self.get(key, request, context)
        }
    }

    private func getByQuery(_ request: Request, _ context: CacheRequestContext) async throws -> Response {
        if let refusal = self.refusal(.read, request, context) { return refusal }
        switch try self.queryKey(request) {
        case .answer(let answer): return self.responder.response(answer, to: request, context)
        case .key(let key): return await self.get(key, request, context)
        }
    }

    private func deleteByPath(_ request: Request, _ context: CacheRequestContext) async throws -> Response {
        if let refusal = self.refusal(.write, request, context) { return refusal }
        switch try self.pathKey(request) {
        case .answer(let answer): return self.responder.response(answer, to: request, context)
        case .key(let key): return await self.delete(key, request, context)
        }
    }

    private func deleteByQuery(_ request: Request, _ context: CacheRequestContext) async throws -> Response {
        if let refusal = self.refusal(.write, request, context) { return refusal }
        switch try self.queryKey(request) {
        case .answer(let answer): return self.responder.response(answer, to: request, context)
        case .key(let key): return await self.delete(key, request, context)
        }
    }

    private func get(_ key: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        if let refusal = Answer.refusal(context.caller.verdict(.read(key: key))) { return self.responder.response(refusal, to: request, context) }
        let outcome = await self.service.get(key, on: context.eventLoop)
        return self.responder.response(.lookup(key, outcome), counting: .get, to: request, context)
    }

    private func delete(_ key: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        if let refusal = Answer.refusal(context.caller.verdict(.write(key: key))) { return self.responder.response(refusal, to: request, context) }
        let outcome = await self.service.delete(key, on: context.eventLoop)
        return self.responder.response(.lookup(key, outcome), counting: .delete, to: request, context)
    }

    // MARK: Set and invalidate

    private var bodies: BodyReader { BodyReader(limiter: self.responder.limiter, maximumBytes: self.settings.maximumBodyBytes) }

    private func set(_ request: Request, _ context: CacheRequestContext) async throws -> Response {
        guard TargetText(request.head.path ?? "").hasPath("/cache") else { throw HTTPError(.notFound) }
        if let refusal = self.refusal(.write, request, context) { return refusal }
        return try await self.bodies.withBody(of: request, context) { body in await self.set(body, request, context) }
    }

    private func set(_ body: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        switch SetRequest.parse(body: body, limits: self.settings.limits) {
        case .faults(let faults):
            return self.responder.response(.validation(faults), to: request, context)
        case .valueTooLarge:
            return self.responder.response(Answer(.contentTooLarge, .detail("Value too large")), to: request, context)
        case .success(let command):
            if let refusal = Answer.refusal(context.caller.verdict(.write(key: command.key))) {
                return self.responder.response(refusal, to: request, context)
            }
            let outcome = await self.service.set(
                command.key, value: command.value, ttlSeconds: command.ttl, on: context.eventLoop)
            let answer = Answer.store(command.key, ttlSeconds: command.ttl, outcome)
            return self.responder.response(answer, counting: .set, to: request, context)
        }
    }

    private func postBelow(_ request: Request, _ context: CacheRequestContext) async throws -> Response {
        switch try self.pathKey(request) {
        case .answer(let answer): return self.responder.response(answer, to: request, context)
        case .key(let key) where CacheKey.isInvalidation(key): return try await self.invalidate(request, context)
        case .key: throw HTTPError(.notFound)
        }
    }

    private func invalidate(_ request: Request, _ context: CacheRequestContext) async throws -> Response {
        if let refusal = self.refusal(.invalidate, request, context) { return refusal }
        return try await self.bodies.withBody(of: request, context) { body in await self.invalidate(body, request, context) }
    }

    private func invalidate(_ body: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        switch InvalidateRequest.parse(body: body, limits: self.settings.limits) {
        case .faults(let faults):
            return self.responder.response(.validation(faults), to: request, context)
        case .success(let command):
            guard let pattern = context.caller.confined(command.pattern) else {
                return self.responder.response(
                    Answer(.forbidden, .detail("The pattern reaches beyond what these credentials may use")), to: request, context)
            }
            guard self.responder.limiter.admitInvalidation() else {
                return self.responder.response(.overloaded(.invalidations), to: request, context)
            }
            defer { self.responder.limiter.releaseInvalidation() }
            let outcome = await self.service.invalidate(pattern, isDryRun: command.dryRun, on: context.eventLoop)
            let answer = Answer.invalidated(command.pattern, isDryRun: command.dryRun, outcome)
            return self.responder.response(answer, counting: .invalidate, to: request, context)
        }
    }

    // MARK: Statistics

    private func statistics(_ request: Request, _ context: CacheRequestContext) async -> Response {
        if let refusal = self.refusal(.admin, request, context) { return refusal }
        let statistics = await self.service.statistics(connectedClients: self.httpCounters.counts.openConnections)
        return self.responder.response(.statistics(statistics), counting: .stats, to: request, context)
    }
}
