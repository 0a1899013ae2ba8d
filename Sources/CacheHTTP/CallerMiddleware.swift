import Access
import HTTPWire
import Hummingbird

/// Identifies the caller, for the routes to judge.
struct CallerMiddleware: RouterMiddleware {
    let control: AccessControl?
    let responder: AnswerResponder

    @concurrent
    func handle(
        _ request: Request,
        context: CacheRequestContext,
        next: @concurrent (Request, CacheRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let now = EventLoopScope.now()
        context.caller = await self.caller(context.parsed, now: now)
        if let wait = context.caller.admit(now: now) {
            self.responder.limiter.recordRefusal(.rate)
            return self.responder.response(.tooOften(retryAfterNanoseconds: wait), to: request, context)
        }
        return try await next(request, context)
    }

    private func caller(_ parsed: ParsedRequest, now: Int) async -> AccessCaller {
        guard let control = self.control else { return .anybody }
        let caller = parsed.caller(control, now: now)
        guard case .unknown = caller, let secret = parsed.secret else { return caller }
        return await control.verifiedCaller(secret, now: now)
    }
}
