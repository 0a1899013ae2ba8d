import Cache
import CacheAPI
import HTTPWire
import Hummingbird
import Logging
import NIOHTTP1

/// Answers in FastAPI's shape what no route answers: an unknown path, a wrong verb, a body that is too large or breaks off.
struct FallbackMiddleware: RouterMiddleware {
    let responder: AnswerResponder
    let table: RouteTable
    let maximumTargetBytes: Int

    @concurrent
    func handle(
        _ request: Request,
        context: CacheRequestContext,
        next: @concurrent (Request, CacheRequestContext) async throws -> Response
    ) async throws -> Response {
        let isProbe = RouteTable.isProbe(request.head.path ?? "")
        guard self.responder.limiter.admitRequest(isProbe: isProbe) else {
            return self.responder.response(.overloaded(isProbe ? .probes : .requestsInFlight), to: request, context)
        }
        defer { self.responder.limiter.releaseRequest(isProbe: isProbe) }
        self.responder.httpCounters.recordInFlight(began: true)
        defer { self.responder.httpCounters.recordInFlight(began: false) }
        guard !RequestJudge.isTargetTooLong(byteCount: (request.head.path ?? "").utf8.count, maximum: self.maximumTargetBytes) else {
            return self.responder.response(.targetTooLong, to: request, context)
        }
        // The router would skip empty segments; a proxy that filters paths in front of us might not.
        guard !self.hasEmptySegment(request.head.path ?? "") else {
            return self.responder.response(.notFound, to: request, context)
        }
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            return self.responder.response(self.answer(to: error.status, request), to: request, context)
        } catch is HTTPParserError {
            return self.responder.response(.invalidRequest, to: request, context)
        } catch {
            context.logger.error("a route failed", metadata: ["error": "\(type(of: error))"])
            return self.responder.response(.internalError, to: request, context)
        }
    }

    /// Whether a path that names no key has an empty segment.
    private func hasEmptySegment(_ target: String) -> Bool {
        let path = TargetText(target).path
        return !path.starts(with: "/cache/".utf8) && !path.starts(with: "/values/".utf8)
            && zip(path, path.dropFirst()).contains { $0 == UInt8(ascii: "/") && $1 == UInt8(ascii: "/") }
    }

    private func answer(to status: HTTPResponse.Status, _ request: Request) -> Answer {
        switch status {
        case .notFound:
            let path = String(TargetText(request.head.path ?? "").path) ?? ""
            return self.table.allowedMethods(path).map { .methodNotAllowed($0) } ?? .notFound
        case .contentTooLarge:
            return .bodyTooLarge
        case .unsupportedMediaType:
            return .encodedBody
        case .serviceUnavailable:
            return .overloaded(.receivedBytes)
        case .badRequest:
            return .brokenBody
        default:
            return .internalError
        }
    }
}
