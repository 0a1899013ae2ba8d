import CacheAPI
import HTTPTypes
import Hummingbird
import Instrumentation
import Telemetry
import Tracing

/// The outermost middleware. Reads the fields by which the request is judged, puts its trace where log lines and spans find it, and makes a span for
/// what the control plane does.
///
/// Operations on one key get no span: there are far too many of them, and each is one look into a store.
struct TraceMiddleware: RouterMiddleware {
    let table: RouteTable

    @concurrent
    func handle(
        _ request: Request,
        context: CacheRequestContext,
        next: @concurrent (Request, CacheRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.parsed = ParsedRequest(request.headers)
        var traced = ServiceContext.current ?? .topLevel
        traced.traceContext = context.parsed.trace
        guard let route = self.table.spanName(String(TargetText(request.head.path ?? "").path) ?? "") else {
            guard traced.traceContext != nil else { return try await next(request, context) }
            return try await ServiceContext.$current.withValue(traced) { [context] in try await next(request, context) }
        }
        InstrumentationSystem.instrument.extract(request.headers, into: &traced, using: HTTPFieldsExtractor())
        return try await withSpan("\(request.method) \(route)", context: traced, ofKind: .server) { [context] span in
            span.attributes["http.request.method"] = request.method.rawValue
            span.attributes["http.route"] = route
            let response = try await next(request, context)
            span.attributes["http.response.status_code"] = response.status.code
            if response.status.code >= 500 { span.setStatus(SpanStatus(code: .error)) }
            return response
        }
    }
}

/// Lets a tracer read the fields of a request.
private struct HTTPFieldsExtractor: Extractor {
    func extract(key: String, from fields: HTTPFields) -> String? {
        HTTPField.Name(key).flatMap { fields[$0] }
    }
}
