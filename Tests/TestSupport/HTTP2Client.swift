package import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix

/// A client of HTTP/2 without TLS: NIO's frames, and no channel for a stream.
package struct HTTP2Client: Sendable {
    /// What can go wrong.
    package enum Failure: Error {
        case closed
        /// The code of `RST_STREAM`.
        case reset(Int)
        case malformed(String)
    }

    private let channel: any Channel
    private let exchanges: NIOLoopBound<HTTP2Exchanges>

    /// Opens a connection, gives it to `body`, and closes it.
    package static func connect<Result>(port: Int, _ body: (HTTP2Client) async throws -> Result) async throws -> Result {
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let exchanges = HTTP2Exchanges()
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOHTTP2Handler(mode: .client, headerBlockValidation: .disabled, contentLengthValidation: .disabled), exchanges,
                    ])
                    return HTTP2Client(channel: channel, exchanges: NIOLoopBound(exchanges, eventLoop: channel.eventLoop))
                }
            }
        do {
            let result = try await body(client)
            try? await client.channel.close()
            return result
        } catch {
            try? await client.channel.close()
            throw error
        }
    }

    /// Sends a request that is written as one of HTTP/1.1, and waits for its answer.
    package func ask(_ request: String) async throws -> WireResponse {
        guard let (fields, body) = Self.list(of: request) else { throw Failure.malformed(request) }
        return try await self.send(fields, body: body)
    }

    /// - Parameter body: nil if the request ends with its head.
    package func send(_ fields: [(String, String)], body: [UInt8]?) async throws -> WireResponse {
        try await self.channel.eventLoop.flatSubmit {
            self.exchanges.value.send(HPACKHeaders(fields), body.map { ByteBuffer(bytes: $0) }, on: self.channel)
        }.get()
    }

    /// The header list and the body of a request of HTTP/1.1; nil if HTTP/2 cannot say the same.
    package static func list(of request: String) -> (fields: [(String, String)], body: [UInt8]?)? {
        let bytes = Array(request.utf8)
        guard let end = bytes.firstRange(of: "\r\n\r\n".utf8) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        let parts = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].hasPrefix("/"), parts[2] == "HTTP/1.1" else { return nil }
        var fields = [(":method", String(parts[0])), (":scheme", "http"), (":path", String(parts[1]))]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let name = line[..<colon].lowercased()
            guard !["connection", "transfer-encoding", "upgrade", "keep-alive", "proxy-connection", "te", "expect"].contains(name) else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            let trimmed = String(value.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
            fields.append(name == "host" ? (":authority", trimmed) : (name, trimmed))
        }
        // Pseudo fields come first.
        fields = fields.filter { $0.0.hasPrefix(":") } + fields.filter { !$0.0.hasPrefix(":") }
        let body = Array(bytes[end.upperBound...])
        return (fields, body.isEmpty && !fields.contains { $0.0 == "content-length" && $0.1 != "0" } ? nil : body)
    }
}

/// Puts frames together to answers, each for the request that waits for it.
private final class HTTP2Exchanges: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private var nextID = 1
    private var waiting: [HTTP2StreamID: (answer: WireResponse, promise: EventLoopPromise<WireResponse>)] = [:]

    func send(_ headers: HPACKHeaders, _ body: ByteBuffer?, on channel: any Channel) -> EventLoopFuture<WireResponse> {
        let id = HTTP2StreamID(self.nextID)
        self.nextID += 2
        let promise = channel.eventLoop.makePromise(of: WireResponse.self)
        self.waiting[id] = (WireResponse(), promise)
        channel.write(HTTP2Frame(streamID: id, payload: .headers(.init(headers: headers, endStream: body == nil))), promise: nil)
        if let body {
            channel.write(HTTP2Frame(streamID: id, payload: .data(.init(data: .byteBuffer(body), endStream: true))), promise: nil)
        }
        channel.flush()
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = self.unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers):
            let status = headers.headers.first(name: ":status") ?? ""
            guard !status.hasPrefix("1") else { return }
            self.waiting[frame.streamID]?.answer.statusLine = "HTTP/2 \(status)"
            self.waiting[frame.streamID]?.answer.fields = headers.headers.filter { !$0.name.hasPrefix(":") }.map {
                .init(name: $0.name, value: $0.value)
            }
            if headers.endStream { self.finish(frame.streamID) }
        case .data(let content):
            if case .byteBuffer(let bytes) = content.data, bytes.readableBytes > 0 {
                self.waiting[frame.streamID]?.answer.body += bytes.readableBytesView
                self.open(by: bytes.readableBytes, .rootStream, context)
                if !content.endStream { self.open(by: bytes.readableBytes, frame.streamID, context) }
                context.flush()
            }
            if content.endStream { self.finish(frame.streamID) }
        case .rstStream(let code):
            self.waiting.removeValue(forKey: frame.streamID)?.promise.fail(HTTP2Client.Failure.reset(code.networkCode))
        default:
            break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        for (_, exchange) in self.waiting { exchange.promise.fail(HTTP2Client.Failure.closed) }
        self.waiting = [:]
        context.fireChannelInactive()
    }

    private func open(by count: Int, _ id: HTTP2StreamID, _ context: ChannelHandlerContext) {
        context.write(self.wrapOutboundOut(HTTP2Frame(streamID: id, payload: .windowUpdate(windowSizeIncrement: count))), promise: nil)
    }

    private func finish(_ id: HTTP2StreamID) {
        guard let exchange = self.waiting.removeValue(forKey: id) else { return }
        exchange.promise.succeed(exchange.answer)
    }
}

@available(*, unavailable)
extension HTTP2Exchanges: Sendable {}
