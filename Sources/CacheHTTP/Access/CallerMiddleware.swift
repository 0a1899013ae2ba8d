import Access
import Hummingbird

/// Finds out who asks, for the routes to judge.
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
        context.caller = await self.caller(request, now: now)
        if let wait = context.caller.admit(now: now) {
            self.responder.limiter.recordRefusal(.rate)
            return self.responder.response(.tooOften(retryAfterNanoseconds: wait), to: request, context)
        }
        return try await next(request, context)
    }

    private func caller(_ request: Request, now: Int) async -> AccessCaller {
        guard let control = self.control else { return .anybody }
        let credential = Credential(request.headers)
        let caller = credential.caller(control, now: now)
        guard case .unknown = caller, let secret = credential.secret else { return caller }
        return await control.verifiedCaller(secret, now: now)
    }
}
