import Access
import Cache
import CacheAPI
import Hummingbird
import NIOCore

/// `/dashboard/key`: what the page shows of a key besides its value. Asks for the scope of the figures, and for the right to read the key.
struct KeyInspectionRoute: Sendable {
    let service: CacheService
    let limits: RequestLimits
    let responder: AnswerResponder

    func respond(_ scope: AccessScopes?, _ request: Request, _ context: CacheRequestContext) async throws -> Response {
        if let refusal = self.responder.refusal(scope, request, context) { return refusal }
        return self.responder.response(try await self.answer(request, context), to: request, context)
    }

    private func answer(_ request: Request, _ context: CacheRequestContext) async throws -> Answer {
        switch try RequestedKey(inQueryOf: request, of: "/dashboard/key", self.limits) {
        case .answer(let answer): answer
        case .key(let key):
            if let refusal = Answer.refusal(context.caller.verdict(AccessAction.read(key: key))) {
                refusal
            } else {
                .inspection(await self.service.inspect(key, on: context.eventLoop))
            }
        }
    }
}
