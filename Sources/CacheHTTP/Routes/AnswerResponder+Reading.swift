import Access
import Hummingbird

extension AnswerResponder {
    /// Answers GET and HEAD of a path.
    /// - Parameter scope: what the caller needs to be allowed; nil where everybody may.
    func read(
        _ path: RouterPath, scope: AccessScopes? = nil, on router: Router<CacheRequestContext>,
        answer: @escaping @Sendable (Request) async -> Answer
    ) {
        for method in [HTTPRequest.Method.get, .head] {
            router.on(path, method: method) { request, context in
                if let scope, let refusal = Answer.refusal(context.caller.verdict(scope)) {
                    return self.response(refusal, to: request, context)
                }
                return self.response(await answer(request), to: request, context)
            }
        }
    }
}
