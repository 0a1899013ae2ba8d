import Access
import Cache
import CacheAPI
import HTTPWire
import Hummingbird
import NIOCore
import Synchronization

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
        let held = HeldBytes(limiter)
        let outcomes = await self.service.wrappedBatch(
            operations, acceptsCopy: context.parsed.fields.acceptsCopy, maximumValueBytes: self.settings.maximumBatchResponseBytes,
            on: context.eventLoop
        ) { held.add($0) }
        limiter.batchWaits(operations: -operations.count)
        held.releaseAll()
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

/// What a batch holds of values that have come, as the process counts it.
private final class HeldBytes: Sendable {
    private let limiter: Limiter
    private let count = Atomic<Int>(0)

    init(_ limiter: Limiter) {
        self.limiter = limiter
    }

    /// Counts more bytes. Returns whether there is room for them.
    func add(_ byteCount: Int) -> Bool {
        self.count.add(byteCount, ordering: .relaxed)
        self.limiter.unsent(byteCount)
        return !self.limiter.isUnsentFull
    }

    func releaseAll() { self.limiter.unsent(-self.count.exchange(0, ordering: .relaxed)) }
}

extension ResponseBody {
    /// A body that is written as its client reads it. What is still to be written counts as unsent.
    init(_ results: BatchResults, pieceBytes: Int, _ limiter: Limiter) {
        self.init(contentLength: results.count) { writer in
            var pieces = BatchAnswerWriter(results)
            limiter.unsent(pieces.remainingCount)
            defer { limiter.unsent(-pieces.remainingCount) }
            while !pieces.isFinished {
                let before = pieces.remainingCount
                var piece = ByteBuffer()
                pieces.writePiece(of: pieceBytes, into: &piece)
                limiter.unsent(pieces.remainingCount - before)
                try await writer.write(piece)
            }
            try await writer.finish(nil)
        }
    }
}
