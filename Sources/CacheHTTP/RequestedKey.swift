import CacheAPI
import Hummingbird
import JSON
import NIOCore

/// The key that a request names, or the answer to one that names none.
enum RequestedKey {
    case key(ByteBuffer)
    case answer(Answer)

    /// The key that stands in the path, after `prefix`.
    init(inPathOf request: Request, after prefix: StaticString, _ limits: RequestLimits) throws {
        guard let encoded = TargetText(request.head.path ?? "").rest(after: prefix) else { throw HTTPError(.notFound) }
        guard let key = PercentDecoding.decode(encoded) else {
            self = .answer(.incompleteEscape(in: .path))
            return
        }
        guard key.readableBytes > 0 else { throw HTTPError(.notFound) }
        self.init(key, at: .path("key"), limits)
    }

    /// The key that `?key=` names.
    /// - Parameter path: of the request; one with a slash at its end, which the router ignores, is another.
    init(inQueryOf request: Request, of path: StaticString, _ limits: RequestLimits) throws {
        let target = TargetText(request.head.path ?? "")
        guard target.hasPath(path) else { throw HTTPError(.notFound) }
        switch target.parameter("key") {
        case .value(let key): self.init(key, at: .query("key"), limits)
        case .missing: self = .answer(.validation([ValidationFault(.missing, at: .query("key"), input: .null)]))
        case .incompleteEscape: self = .answer(.incompleteEscape(in: .query))
        }
    }

    private init(_ key: ByteBuffer, at location: ValidationFault.Location, _ limits: RequestLimits) {
        guard let kind = CacheKey.fault(of: key, limits: limits) else {
            self = .key(key)
            return
        }
        var input = ByteBuffer()
        // A key that is not UTF-8 cannot be echoed in JSON.
        if kind != .stringUnicode { JSONWriter.writeString(key, into: &input) }
        self = .answer(.validation([ValidationFault(kind, at: location, input: kind == .stringUnicode ? .null : .value(input))]))
    }
}
