import Access
import Cache
import CacheAPI
import HTTPWire
import Hummingbird
import NIOCore

/// `POST /cache/batch`, where the fast lane leaves it to the router.
struct BatchRoute: Sendable {
    let service: CacheService
    let settings: HTTPSettings
    let responder: AnswerResponder

    func respond(_ body: ByteBuffer, _ request: Request, _ context: CacheRequestContext) async -> Response {
        switch BatchRequest.parse(body: body, limits: self.settings.limits) {
        case .faults(let faults): self.responder.response(.validation(faults), to: request, context)
        case .valueTooLarge: self.responder.response(.valueTooLarge, to: request, context)
        case .success(let operations): await self.perform(operations, request, context)
        }
    }

    private func perform(_ operations: [BatchOperation], _ request: Request, _ context: CacheRequestContext) async -> Response {
        if let refusal = self.refusal(operations, context) { return self.responder.response(refusal, to: request, context) }
        let limiter = self.responder.limiter
        limiter.batchWaits(operations: operations.count)
        let held = UnsentBytes(limiter)
        let outcomes = await self.service.wrappedBatch(
            operations, acceptsCopy: context.parsed.fields.acceptsCopy, maximumValueBytes: self.settings.maximumBatchResponseBytes,
            on: context.eventLoop
        ) { bytes in
            held.add(bytes)
            return !limiter.isUnsentFull
        }
        limiter.batchWaits(operations: -operations.count)
        held.removeAll()
        guard let outcomes else {
            limiter.recordRefusal(.requestsInFlight)
            return self.responder.response(.overloaded(.requestsInFlight), to: request, context)
        }
        let duration = EventLoopScope.now() - context.start
        let results = BatchResults(operations, outcomes, maximumBytes: self.settings.maximumBatchResponseBytes) {
            self.responder.counters.record($0, $1, $2, nanoseconds: duration, count: $3)
        }
        self.responder.httpCounters.recordBatch(results, operations: operations.count)
        return self.responder.response(.batch(results), to: request, context)
    }

    private func refusal(_ operations: [BatchOperation], _ context: CacheRequestContext) -> Answer? {
        if let refusal = Answer.refusal(context.caller.verdict(operations)) { return refusal }
        let limiter = self.responder.limiter
        // Every operation counts; the request itself has been counted as one.
        if operations.count > 1, let wait = context.caller.admit(operations.count - 1, now: EventLoopScope.now()) {
            limiter.recordRefusal(.rate)
            return .tooOften(retryAfterNanoseconds: wait)
        }
        guard !limiter.hasRoom(forBatchOf: operations.count) else { return nil }
        limiter.recordRefusal(.requestsInFlight)
        return .overloaded(.requestsInFlight)
    }
}
