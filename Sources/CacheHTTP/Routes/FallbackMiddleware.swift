import Cache
import Hummingbird
import Logging
import NIOHTTP1

/// Answers in FastAPI's shape what no route answers: an unknown path, a wrong verb, a body that is too large or breaks off.
struct FallbackMiddleware: RouterMiddleware {
    let responder: AnswerResponder
    let hasMetrics: Bool
    let maximumTargetBytes: Int

    @concurrent
    func handle(
        _ request: Request,
        context: CacheRequestContext,
        next: @concurrent (Request, CacheRequestContext) async throws -> Response
    ) async throws -> Response {
        let isProbe = RequestHeadRules.isProbe(request.head.path ?? "")
        guard self.responder.limiter.admitRequest(isProbe: isProbe) else {
            return self.responder.response(.overloaded(isProbe ? .probes : .requestsInFlight), to: request, context)
        }
        defer { self.responder.limiter.releaseRequest(isProbe: isProbe) }
        self.responder.httpCounters.recordInFlight(began: true)
        defer { self.responder.httpCounters.recordInFlight(began: false) }
        guard (request.head.path ?? "").utf8.count <= self.maximumTargetBytes else {
            return self.responder.response(Answer(.targetTooLong, .detail("The target of the request is too long")), to: request, context)
        }
        // The router would skip empty segments; whoever filters paths before us might not.
        guard !self.hasEmptySegment(request.head.path ?? "") else {
            return self.responder.response(Answer(.notFound, .detail("Not Found")), to: request, context)
        }
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            return self.responder.response(self.answer(to: error.status, request), to: request, context)
        } catch is HTTPParserError {
            return self.responder.response(.invalidRequest, to: request, context)
        } catch {
            context.logger.error("a route failed", metadata: ["error": "\(type(of: error))"])
            return self.responder.response(Answer(.internalServerError, .detail("Internal Server Error")), to: request, context)
        }
    }

    /// Whether a path has an empty segment where it names no key.
    private func hasEmptySegment(_ target: String) -> Bool {
        let path = TargetText(target).path
        return !path.starts(with: "/cache/".utf8) && zip(path, path.dropFirst()).contains { $0 == UInt8(ascii: "/") && $1 == UInt8(ascii: "/") }
    }

    private func answer(to status: HTTPResponse.Status, _ request: Request) -> Answer {
        switch status {
        case .notFound:
            guard
                let allowed = RouteTable.allowedMethods(
                    String(TargetText(request.head.path ?? "").path) ?? "", hasMetrics: self.hasMetrics)
            else {
                return Answer(.notFound, .detail("Not Found"))
            }
            var answer = Answer(.methodNotAllowed, .detail("Method Not Allowed"))
            answer.allow = allowed
            return answer
        case .contentTooLarge:
            return Answer(.contentTooLarge, .detail("Request body too large"))
        case .unsupportedMediaType:
            // RFC 9110, section 15.5.16: the answer says which codings would do.
            var answer = Answer(.unsupportedMediaType, .detail("Encoded request bodies are not supported"))
            answer.acceptEncoding = "identity"
            return answer
        case .serviceUnavailable:
            return .overloaded(.receivedBytes)
        case .badRequest:
            return Answer(.badRequest, .detail("There was an error parsing the body"))
        default:
            return Answer(.internalServerError, .detail("Internal Server Error"))
        }
    }
}
