import Access
import Hummingbird

/// Finds out who asks, for the routes to judge.
struct CallerMiddleware: RouterMiddleware {
    let control: AccessControl?

    @concurrent
    func handle(
        _ request: Request,
        context: CacheRequestContext,
        next: @concurrent (Request, CacheRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.caller = Credential.caller(request.headers, self.control)
        return try await next(request, context)
    }
}
