import Access
import Cache
import CacheAPI
import HTTPWire
import Hummingbird
import NIOCore

/// What concerns more than a key and its text: leases, tags, staleness.
extension CacheRoutes {
    /// Reads a key for a client that would compute its value. A lease is written, so it takes what a write takes.
    func get(_ key: ByteBuffer, _ lease: LeaseRequest, _ request: Request, _ context: CacheRequestContext) async -> Response {
        if let refusal = Answer.refusal(context.caller.verdict(.write(key: key))) { return self.responder.response(refusal, to: request, context) }
        let channel = context.channel
        let places = RouterPlaces(limiter: self.responder.limiter, isStream: context.version == .http2)
        // A client that has closed its side gets an answer all the same, but no longer waits for a better one: it is gone, as a rule.
        let client = WaitingClient(places: places) { channel.isActive && !channel.isInputClosed }
        let outcome = await self.service.get(
            key, lease: lease, acceptsCopy: context.parsed.fields.acceptsCopy, for: client, on: context.eventLoop)
        guard let answer = Answer.lookup(key, lease: outcome, conditions: context.parsed.conditions) else {
            return self.responder.response(.overloaded(.leaseWaiters), to: request, context)
        }
        // Who has waited gets the value at the same moment as all the others.
        let limiter = self.responder.limiter
        if case .read = outcome, limiter.isUnsentFull, answer.body.count > ResponseBody.pieceBytes {
            limiter.recordRefusal(.unsentBytes)
            return self.responder.response(.overloaded(.unsentBytes), to: request, context)
        }
        return self.responder.response(answer, counting: .get, to: request, context)
    }

    /// Stores a value, for a lease if the request proves one.
    func store(_ command: SetCommand, _ request: Request, _ context: CacheRequestContext) async -> Response {
        for tag in command.tags {
            guard let refusal = Answer.refusal(context.caller.verdict(.write(key: tag))) else { continue }
            return self.responder.response(refusal, to: request, context)
        }
        let answer: Answer
        switch LeaseParameters.proof(request.leaseField) {
        case .refused(let refusal):
            return self.responder.response(refusal, to: request, context)
        case .token(let token):
            let use = await self.service.fill(command.key, with: command.newValue, lease: token, on: context.eventLoop)
            answer = .store(command.key, ttlSeconds: command.ttl, use)
        case .none where command.isPlain:
            let outcome = await self.service.set(command.key, value: command.value, ttlSeconds: command.ttl, on: context.eventLoop)
            answer = .store(command.key, ttlSeconds: command.ttl, outcome)
        case .none:
            let outcome = await self.service.set(command.key, to: command.newValue, on: context.eventLoop)
            answer = .store(command.key, ttlSeconds: command.ttl, outcome)
        }
        return self.responder.response(answer, counting: .set, to: request, context)
    }

    func invalidate(tag: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        if let refusal = Answer.refusal(context.caller.verdict(.invalidate(tag: tag))) {
            return self.responder.response(refusal, to: request, context)
        }
        let outcome = await self.service.invalidate(tag: tag, on: context.eventLoop)
        return self.responder.response(.invalidated(tag: tag, outcome), counting: .invalidate, to: request, context)
    }
}

extension Request {
    /// What the request proves or renews a lease with. Two of them prove nothing.
    var leaseField: String? {
        let values = self.headers[values: AnswerFieldName.cacheLeaseName]
        return values.isEmpty ? nil : values.joined(separator: ",")
    }
}

/// The places of those who wait for values, as the limits of the process have them.
private struct RouterPlaces: WaitingPlaces {
    let limiter: Limiter
    let isStream: Bool

    func enter() -> Bool { self.limiter.beginWaiting(isStream: self.isStream) }

    func leave() { self.limiter.endWaiting(isStream: self.isStream) }
}
