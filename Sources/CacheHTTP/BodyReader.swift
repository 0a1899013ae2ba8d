import HTTPTypes
import HTTPWire
import Hummingbird
import NIOCore
import NIOHTTP1

/// Reads the body of a request for its route, within the bound of one body and that of the process.
///
/// Nothing of a body beyond its first bytes is taken from the client before this asks for it: a request that is refused by its head costs no
/// memory, and `100 Continue` is sent only if the body is wanted.
struct BodyReader: Sendable {
    private let limiter: Limiter
    private let maximumBytes: Int

    init(limiter: Limiter, maximumBytes: Int) {
        self.limiter = limiter
        self.maximumBytes = maximumBytes
    }

    /// Reads the body and gives it to `use`. Its bytes count as received until `use` returns.
    ///
    /// - Parameter acceptsCodings: whether the body may be encoded.
    /// - Throws: `HTTPError` with 413 if it is too long, 415 if it is encoded, 503 if the process receives too much at once, 400 if the
    ///   connection fails; `HTTPParserError` if the body is malformed.
    func withBody(
        of request: Request, _ context: CacheRequestContext, acceptsCodings: Bool = false, _ use: (ByteBuffer) async throws -> Response
    ) async throws -> Response {
        guard acceptsCodings || request.headers[values: .contentEncoding].allSatisfy({ $0.isEmpty || $0.lowercased() == "identity" }) else {
            throw HTTPError(.unsupportedMediaType)
        }
        if let declared = request.headers[.contentLength].flatMap({ Int($0) }) {
            guard declared <= self.maximumBytes else { throw HTTPError(.contentTooLarge) }
            try self.checkRoom(for: declared)
        }
        context.channel.triggerUserOutboundEvent(BodyWanted(), promise: nil)
        var body = ByteBuffer()
        defer { self.limiter.receiving(-body.readableBytes) }
        do {
            for try await part in request.body {
                guard body.readableBytes + part.readableBytes <= self.maximumBytes else { throw HTTPError(.contentTooLarge) }
                try self.checkRoom(for: part.readableBytes)
                self.limiter.receiving(part.readableBytes)
                body.writeImmutableBuffer(part)
            }
        } catch {
            if error is HTTPError || error is HTTPParserError { throw error }
            // A connection that fails is its client's doing: no fault of the service, and not worth a line of its log.
            throw HTTPError(.badRequest)
        }
        return try await use(body)
    }

    private func checkRoom(for count: Int) throws {
        guard !self.limiter.hasRoomToReceive(count) else { return }
        self.limiter.recordRefusal(.receivedBytes)
        throw HTTPError(.serviceUnavailable)
    }
}
