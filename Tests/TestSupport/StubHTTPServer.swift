import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// A server of somebody else's, as far as a test needs it: a closure answers. On a port of the loopback that the kernel chose.
package final class StubHTTPServer: Sendable {
    package struct Request: Sendable, Hashable {
        package let method: String
        package let target: String
        package let fields: [String: String]
        package let body: String
    }

    package enum Answer: Sendable {
        case status(Int, String, [String: String] = [:])
        /// The answer, after which the server closes the connection without having said that it would.
        case lastStatus(Int, String, [String: String] = [:])
        /// Never an answer.
        case silence
        /// The connection is closed without one.
        case disconnect
        /// An answer that ends in its middle.
        case torn
    }

    private let channel: any Channel
    private let seen: NIOLockedValueBox<[Request]>

    /// - Parameter answer: called on an event loop, one request of a connection after the other.
    package static func start(_ answer: @escaping @Sendable (Request) -> Answer) async throws -> StubHTTPServer {
        let seen = NIOLockedValueBox<[Request]>([])
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(seen, answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return StubHTTPServer(channel, seen)
    }

    private init(_ channel: any Channel, _ seen: NIOLockedValueBox<[Request]>) {
        self.channel = channel
        self.seen = seen
    }

    package var authority: String { "127.0.0.1:\(self.channel.localAddress?.port ?? 0)" }

    /// What it was asked, in order.
    package var requests: [Request] { self.seen.withLockedValue { $0 } }

    package func stop() async throws {
        try await self.channel.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let seen: NIOLockedValueBox<[Request]>
        private let answer: @Sendable (Request) -> Answer
        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        init(_ seen: NIOLockedValueBox<[Request]>, _ answer: @escaping @Sendable (Request) -> Answer) {
            self.seen = seen
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                self.body.clear()
            case .body(var bytes):
                self.body.writeBuffer(&bytes)
            case .end:
                guard let head = self.head else { return }
                let fields = Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
                let request = Request(method: head.method.rawValue, target: head.uri, fields: fields, body: String(buffer: self.body))
                self.seen.withLockedValue { $0.append(request) }
                self.send(self.answer(request), context)
            }
        }

        private func send(_ answer: Answer, _ context: ChannelHandlerContext) {
            switch answer {
            case .status(let status, let body, let fields):
                self.send(status, body, fields, claiming: body.utf8.count, context)
            case .lastStatus(let status, let body, let fields):
                self.send(status, body, fields, claiming: body.utf8.count, context)
                context.close(promise: nil)
            case .silence:
                break
            case .disconnect:
                context.close(promise: nil)
            case .torn:
                self.send(200, "{", [:], claiming: 100, context)
                context.close(promise: nil)
            }
        }

        private func send(_ status: Int, _ body: String, _ fields: [String: String], claiming count: Int, _ context: ChannelHandlerContext) {
            var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status))
            for (name, value) in fields { head.headers.add(name: name, value: value) }
            head.headers.replaceOrAdd(name: "Content-Length", value: "\(count)")
            context.write(self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
            context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
