import Access
import Cache
import CacheAPI
import HTTPWire
import Hummingbird
import NIOCore

/// `/cache` and everything below it.
///
/// Below `/cache/` the decoded path decides, not the spelling: `/cache/%73tats` is `/cache/stats`, as it was in the old service and as a
/// front end that normalises escapes would make it. Every key can be named by `?key=`.
struct CacheRoutes: Sendable {
    let service: CacheService
    let settings: HTTPSettings
    let table: RouteTable
    let responder: AnswerResponder
    let httpCounters: HTTPCounterSet

    /// Answers a request of `/cache` itself.
    /// - Parameter scope: what the caller needs, which is judged before anything else of the request is looked at.
    func respond(
        _ operation: RouteOperation.OnCache, _ scope: AccessScopes?, _ request: Request, _ context: CacheRequestContext
    ) async throws -> Response {
        // The router ignores a slash at the end, but nothing is stored at `/cache/`.
        if operation == .set, !TargetText(request.head.path ?? "").hasPath("/cache") { throw HTTPError(.notFound) }
        if let refusal = self.responder.refusal(scope, request, context) { return refusal }
        switch operation {
        case .get, .delete, .expire:
            return try await self.perform(operation, try RequestedKey(inQueryOf: request, of: "/cache", self.settings.limits), request, context)
        case .set, .batch, .invalidate, .statistics: return try await self.perform(operation, request, context)
        }
    }

    /// Answers a request below `/cache/`.
    @Sendable
    func respondBelow(_ request: Request, _ context: CacheRequestContext) async throws -> Response {
        let finding = try RequestedKey(inPathOf: request, after: CacheKey.pathPrefix, self.settings.limits)
        var name: CacheKey.ReservedName?
        if case .key(let key) = finding { name = CacheKey.reservedName(key) }
        guard let endpoint = RouteMethod(request.method.rawValue).flatMap({ self.table.endpoint($0, below: name) }),
            case .cache(let operation) = endpoint.operation
        else {
            // A malformed path takes precedence over an unknown method.
            if case .answer(let answer) = finding { return self.responder.response(answer, to: request, context) }
            throw HTTPError(.notFound)
        }
        if let refusal = self.responder.refusal(endpoint.scope, request, context) { return refusal }
        switch operation {
        case .get, .delete, .expire: return try await self.perform(operation, finding, request, context)
        case .set, .batch, .invalidate, .statistics: return try await self.perform(operation, request, context)
        }
    }

    // MARK: One key

    private func perform(
        _ operation: RouteOperation.OnCache, _ finding: RequestedKey, _ request: Request, _ context: CacheRequestContext
    ) async throws -> Response {
        switch (finding, operation) {
        case (.answer(let answer), _): self.responder.response(answer, to: request, context)
        case (.key(let key), .delete): await self.delete(key, request, context)
        case (.key(let key), .expire):
            try await self.bodies.withBody(of: request, context) { body in await self.expire(key, body, request, context) }
        case (.key(let key), _): await self.get(key, request, context)
        }
    }

    private func get(_ key: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        if let refusal = Answer.refusal(context.caller.verdict(.read(key: key))) { return self.responder.response(refusal, to: request, context) }
        // A lease is written, and HEAD changes nothing.
        if request.method != .head {
            switch LeaseParameters.query(TargetText(request.head.path ?? ""), field: request.leaseField) {
            case .refused(let answer): return self.responder.response(answer, to: request, context)
            case .lease(let lease): return await self.get(key, lease, request, context)
            case .none: break
            }
        }
        let outcome = await self.service.get(key, acceptsCopy: context.parsed.fields.acceptsCopy, on: context.eventLoop)
        let answer = Answer.lookup(key, outcome, conditions: context.parsed.conditions)
        return self.responder.response(answer, counting: .get, to: request, context)
    }

    private func delete(_ key: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        if let refusal = Answer.refusal(context.caller.verdict(.write(key: key))) { return self.responder.response(refusal, to: request, context) }
        switch LeaseParameters.proof(request.leaseField) {
        case .refused(let answer):
            return self.responder.response(answer, to: request, context)
        case .token(let token):
            let use = await self.service.giveUp(key, lease: token, on: context.eventLoop)
            return self.responder.response(.givenUp(key, use), counting: .delete, to: request, context)
        case .none:
            let outcome = await self.service.delete(key, on: context.eventLoop)
            return self.responder.response(.lookup(key, outcome), counting: .delete, to: request, context)
        }
    }

    private func expire(_ key: ByteBuffer, _ body: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        switch ExpireRequest.parse(body: body, limits: self.settings.limits) {
        case .faults(let faults):
            return self.responder.response(.validation(faults), to: request, context)
        case .success(let ttl):
            if let refusal = Answer.refusal(context.caller.verdict(.write(key: key))) {
                return self.responder.response(refusal, to: request, context)
            }
            let outcome = await self.service.expire(key, ttlSeconds: ttl, on: context.eventLoop)
            return self.responder.response(.expire(key, ttlSeconds: ttl, outcome), counting: .expire, to: request, context)
        }
    }

    // MARK: Set and invalidate

    private var bodies: BodyReader { BodyReader(limiter: self.responder.limiter, maximumBytes: self.settings.maximumBodyBytes) }

    private func perform(
        _ operation: RouteOperation.OnCache, _ request: Request, _ context: CacheRequestContext
    ) async throws -> Response {
        switch operation {
        case .set: try await self.bodies.withBody(of: request, context) { body in await self.set(body, request, context) }
        case .batch:
            try await self.bodies.withBody(of: request, context) { body in
                await BatchRoute(service: self.service, settings: self.settings, responder: self.responder).respond(body, request, context)
            }
        case .invalidate: try await self.bodies.withBody(of: request, context) { body in await self.invalidate(body, request, context) }
        case .statistics: await self.statistics(request, context)
        case .get, .delete, .expire: throw HTTPError(.notFound)
        }
    }

    private func set(_ body: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        switch SetRequest.parse(body: body, limits: self.settings.limits) {
        case .faults(let faults):
            return self.responder.response(.validation(faults), to: request, context)
        case .valueTooLarge:
            return self.responder.response(.valueTooLarge, to: request, context)
        case .success(let command):
            if let refusal = Answer.refusal(context.caller.verdict(.write(key: command.key))) {
                return self.responder.response(refusal, to: request, context)
            }
            return await self.store(command, request, context)
        }
    }

    private func invalidate(_ body: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        switch InvalidateRequest.parse(body: body, limits: self.settings.limits) {
        case .faults(let faults):
            return self.responder.response(.validation(faults), to: request, context)
        case .tag(let tag):
            return await self.invalidate(tag: tag, request, context)
        case .pattern(let command):
            guard let pattern = context.caller.confined(command.pattern) else {
                return self.responder.response(.patternOutsidePrefix, to: request, context)
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
        let statistics = await self.service.statistics(connectedClients: self.httpCounters.counts.openConnections)
        return self.responder.response(.statistics(statistics), counting: .stats, to: request, context)
    }
}
