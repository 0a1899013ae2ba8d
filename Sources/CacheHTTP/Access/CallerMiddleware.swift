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
        context.caller = Credential.caller(request.headers, self.control)
        if let wait = context.caller.admit(now: EventLoopScope.now()) {
            self.responder.limiter.recordRefusal(.rate)
            return self.responder.response(.tooOften(retryAfterNanoseconds: wait), to: request, context)
        }
        return try await next(request, context)
    }
}
