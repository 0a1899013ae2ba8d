import CacheAPI
import HTTPTypes
import Hummingbird
import NIOCore

/// Tells browsers which pages may read the answers, and answers their preflight requests.
///
/// A page that is not on the list gets the answers that everybody gets, without the fields that would let it read them: keeping it from reading is
/// the browser's business, keeping strangers out is that of access control.
struct CORSMiddleware: RouterMiddleware {
    let policy: CORSPolicy
    let responder: AnswerResponder
    let table: RouteTable

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
        guard let origin = context.parsed.origin, self.policy.allows(origin) else { return try await next(request, context) }
        var response: Response
        if let answer = self.preflight(request, context) { response = answer } else { response = try await next(request, context) }
        response.headers[Self.allowOrigin] = origin
        response.headers[Self.exposeHeaders] = CORSPolicy.exposedFields
        return response
    }

    /// The answer to a preflight request; nil if the request is not one.
    private func preflight(_ request: Request, _ context: CacheRequestContext) -> Response? {
        let path = String(TargetText(request.head.path ?? "").path) ?? ""
        guard request.method == .options, request.headers.contains(Self.requestMethod), let methods = self.table.allowedMethods(path) else {
            return nil
        }
        var answer = Answer(.ok, .prepared(ByteBuffer(string: "OK")))
        answer.contentType = "text/plain; charset=utf-8"
        var response = self.responder.response(answer, to: request, context)
        response.headers[Self.allowMethods] = methods.text
        response.headers[Self.allowHeaders] = CORSPolicy.acceptedFields
        response.headers[Self.maximumAge] = "\(CORSPolicy.maximumAgeSeconds)"
        response.headers[.vary] = CORSPolicy.preflightVariesBy
        return response
    }
}
