import Access
import Cache
import CacheAPI
import HTTPWire
import Hummingbird
import NIOCore

/// `/values` and everything below it: the value itself as a resource, with the conditions of RFC 9110.
struct ValueRoutes: Sendable {
    let service: CacheService
    let settings: HTTPSettings
    let responder: AnswerResponder

    /// - Parameter scope: what the caller needs, which is judged before anything else of the request is looked at.
    func respond(
        _ operation: RouteOperation.OnValue, _ scope: AccessScopes?, _ request: Request, _ context: CacheRequestContext
    ) async throws -> Response {
        if let refusal = self.responder.refusal(scope, request, context) { return refusal }
        let key: ByteBuffer
        switch try self.key(operation.place, request) {
        case .answer(let answer): return self.responder.response(answer, to: request, context)
        case .key(let found): key = found
        }
        let action: AccessAction = if case .get = operation { .read(key: key) } else { .write(key: key) }
        if let refusal = Answer.refusal(context.caller.verdict(action)) { return self.responder.response(refusal, to: request, context) }
        switch operation {
        case .get: return await self.get(key, request, context)
        case .put:
            let bodies = BodyReader(limiter: self.responder.limiter, maximumBytes: self.settings.maximumBodyBytes)
            return try await bodies.withBody(of: request, context, acceptsCodings: true) { await self.put(key, $0, request, context) }
        case .delete: return await self.delete(key, request, context)
        }
    }

    private func key(_ place: RouteOperation.KeyPlace, _ request: Request) throws -> RequestedKey {
        switch place {
        case .path: try RequestedKey(inPathOf: request, after: CacheKey.valuePrefix, self.settings.limits)
        case .query: try RequestedKey(inQueryOf: request, of: "/values", self.settings.limits)
        }
    }

    private func get(_ key: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        let outcome = await self.service.get(key, acceptsCopy: context.parsed.fields.acceptsCopy, on: context.eventLoop)
        return self.responder.response(.value(outcome, conditions: context.parsed.conditions), counting: .get, to: request, context)
    }

    private func delete(_ key: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        let conditions = context.parsed.conditions
        let answer: Answer
        switch LeaseParameters.proof(request.leaseField, conditions: conditions) {
        case .refused(let refusal): return self.responder.response(refusal, to: request, context)
        case .token(let token): answer = .removal(await self.service.giveUp(key, lease: token, on: context.eventLoop))
        case .none where conditions.isEmpty: answer = .removal(await self.service.delete(key, on: context.eventLoop))
        case .none: answer = .removal(await self.service.delete(key, on: context.eventLoop) { conditions.areMet(by: $0) })
        }
        return self.responder.response(answer, counting: .delete, to: request, context)
    }

    // MARK: Put

    private func put(_ key: ByteBuffer, _ body: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        let fields = PutRequest.Fields(
            ttl: TargetText(request.head.path ?? "").parameter("ttl"), contentType: request.headers[values: .contentType],
            contentEncoding: request.headers[values: .contentEncoding], cacheControl: request.headers[values: .cacheControl])
        switch PutRequest.parse(fields, body: body, limits: self.settings.limits) {
        case .faults(let faults): return self.responder.response(.validation(faults), to: request, context)
        case .valueTooLarge: return self.responder.response(.valueTooLarge, to: request, context)
        case .success(let command):
            switch LeaseParameters.proof(request.leaseField, conditions: context.parsed.conditions) {
            case .refused(let refusal):
                return self.responder.response(refusal, to: request, context)
            case .token(let token):
                let use = await self.service.fill(
                    key, stored: command.stored, ttlSeconds: command.ttlSeconds, lease: token, on: context.eventLoop)
                return self.responder.response(.put(command.tag, use), counting: .set, to: request, context)
            case .none:
                let (outcome, replaces) = await self.store(key, command, context)
                return self.responder.response(.put(command.tag, outcome, replaces: replaces), counting: .set, to: request, context)
            }
        }
    }

    private func store(
        _ key: ByteBuffer, _ command: PutCommand, _ context: CacheRequestContext
    ) async -> (answer: CacheAnswer, replaces: Bool) {
        let conditions = context.parsed.conditions
        guard conditions.isEmpty else {
            return await self.service.set(
                key, stored: command.stored, ttl: TimeToLive(seconds: command.ttlSeconds), on: context.eventLoop
            ) { conditions.areMet(by: $0) }
        }
        // Only the status depends on this, so what was read a moment ago is good enough. The store cannot say it: `SET` with `GET` is not in every Redis,
        // and tells of bytes, not whether a reader would have got a value of them.
        let found = await self.service.get(key, acceptsCopy: true, on: context.eventLoop)
        let replaces = if case .miss = found { false } else { true }
        let outcome = await self.service.set(key, value: command.stored, ttlSeconds: command.ttlSeconds, on: context.eventLoop)
        return (outcome, replaces)
    }
}

extension RequestConditions {
    /// Whether a change may be made of what a reader would get.
    fileprivate func areMet(by found: CacheAnswer) -> Bool {
        guard case .hit(let value, _, _) = found else { return self.verdict(nil) == .met }
        return self.verdict(EntityTag(value), isChange: true) == .met
    }
}
