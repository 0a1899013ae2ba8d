import HTTPTypes
import Hummingbird
import NIOCore

/// Tells browsers which pages may read the answers, and answers their preflight requests.
///
/// A page that is not on the list gets the answers that everybody gets, without the fields that would let it read them: keeping it from reading is the
/// browser's business, keeping strangers out is that of access control.
struct CORSMiddleware: RouterMiddleware {
    let policy: CORSPolicy
    let responder: AnswerResponder
    let hasMetrics: Bool

    private static let originName = AnswerFieldName.name("Origin")
    private static let allowOrigin = AnswerFieldName.name("Access-Control-Allow-Origin")
    private static let allowMethods = AnswerFieldName.name("Access-Control-Allow-Methods")
    private static let allowHeaders = AnswerFieldName.name("Access-Control-Allow-Headers")
    private static let maximumAge = AnswerFieldName.name("Access-Control-Max-Age")
    private static let exposeHeaders = AnswerFieldName.name("Access-Control-Expose-Headers")
    private static let requestMethod = AnswerFieldName.name("Access-Control-Request-Method")

    @concurrent
    func handle(
        _ request: Request,
        context: CacheRequestContext,
        next: @concurrent (Request, CacheRequestContext) async throws -> Response
    ) async throws -> Response {
        let origins = request.headers[values: Self.originName]
        let origin = origins.count == 1 && self.policy.allows(origins[0]) ? origins[0] : nil
        var response: Response
        if let answer = self.preflight(request, context, origin) { response = answer } else { response = try await next(request, context) }
        guard let origin else { return response }
        response.headers[Self.allowOrigin] = origin
        response.headers[Self.exposeHeaders] = "Cache-Status, X-Cache-Degraded, X-Request-Id, X-Process-Time, Retry-After"
        return response
    }

    /// The answer to the question of a browser whether a page may send what it wants to send; nil where this is no such question.
    private func preflight(_ request: Request, _ context: CacheRequestContext, _ origin: String?) -> Response? {
        let path = String(TargetText(request.head.path ?? "").path) ?? ""
        guard request.method == .options, origin != nil, request.headers.contains(Self.requestMethod),
            let methods = RouteTable.allowedMethods(path, hasMetrics: self.hasMetrics)
        else { return nil }
        var answer = Answer(.ok, .prepared(ByteBuffer(string: "OK")))
        answer.contentType = "text/plain; charset=utf-8"
        var response = self.responder.response(answer, to: request, context)
        response.headers[Self.allowMethods] = "\(methods)"
        response.headers[Self.allowHeaders] = "Authorization, Content-Type, X-API-Key, X-Request-Id, traceparent, tracestate"
        response.headers[Self.maximumAge] = "\(CORSPolicy.maximumAgeSeconds)"
        response.headers[.vary] = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        return response
    }
}
