import Access
import Cache
import CacheAPI
import HTTPWire
import Hummingbird
import JSON
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
        case .get, .delete: return await self.perform(operation, try self.queryKey(request), request, context)
        case .set, .batch, .invalidate, .statistics: return try await self.perform(operation, request, context)
        }
    }

    /// Answers a request below `/cache/`.
    @Sendable
    func respondBelow(_ request: Request, _ context: CacheRequestContext) async throws -> Response {
        let finding = try self.pathKey(request)
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
        case .get, .delete: return await self.perform(operation, finding, request, context)
        case .set, .batch, .invalidate, .statistics: return try await self.perform(operation, request, context)
        }
    }

    // MARK: Keys

    private enum KeyFinding {
        case key(ByteBuffer)
        case answer(Answer)
    }

    /// The key that the path names.
    private func pathKey(_ request: Request) throws -> KeyFinding {
        guard let encoded = TargetText(request.head.path ?? "").rest(after: CacheKey.pathPrefix) else { throw HTTPError(.notFound) }
        guard let key = PercentDecoding.decode(encoded) else {
            return .answer(.incompleteEscape(in: .path))
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
        case .incompleteEscape: return .answer(.incompleteEscape(in: .query))
        }
    }

    private func checked(_ key: ByteBuffer, at location: ValidationFault.Location) -> KeyFinding {
        guard let kind = CacheKey.fault(of: key, limits: self.settings.limits) else { return .key(key) }
        var input = ByteBuffer()
        // A key that is not UTF-8 cannot be echoed in JSON.
        if kind != .stringUnicode { JSONWriter.writeString(key, into: &input) }
        return .answer(.validation([ValidationFault(kind, at: location, input: kind == .stringUnicode ? .null : .value(input))]))
    }

    // MARK: Get and delete

    private func perform(
        _ operation: RouteOperation.OnCache, _ finding: KeyFinding, _ request: Request, _ context: CacheRequestContext
    ) async -> Response {
        switch finding {
        case .answer(let answer): self.responder.response(answer, to: request, context)
        case .key(let key):
            if case .delete = operation { await self.delete(key, request, context) } else { await self.get(key, request, context) }
        }
    }

    private func get(_ key: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        if let refusal = Answer.refusal(context.caller.verdict(.read(key: key))) { return self.responder.response(refusal, to: request, context) }
        let outcome = await self.service.get(key, acceptsCopy: context.parsed.fields.acceptsCopy, on: context.eventLoop)
        return self.responder.response(.lookup(key, outcome), counting: .get, to: request, context)
    }

    private func delete(_ key: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        if let refusal = Answer.refusal(context.caller.verdict(.write(key: key))) { return self.responder.response(refusal, to: request, context) }
        let outcome = await self.service.delete(key, on: context.eventLoop)
        return self.responder.response(.lookup(key, outcome), counting: .delete, to: request, context)
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
        case .get, .delete: throw HTTPError(.notFound)
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
            let outcome = await self.service.set(
                command.key, value: command.value, ttlSeconds: command.ttl, on: context.eventLoop)
            let answer = Answer.store(command.key, ttlSeconds: command.ttl, outcome)
            return self.responder.response(answer, counting: .set, to: request, context)
        }
    }

    private func invalidate(_ body: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        switch InvalidateRequest.parse(body: body, limits: self.settings.limits) {
        case .faults(let faults):
            return self.responder.response(.validation(faults), to: request, context)
        case .success(let command):
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
