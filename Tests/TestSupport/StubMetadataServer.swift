import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// Google's metadata server as far as tokens go, on a port of the loopback that the kernel chose.
package final class StubMetadataServer: Sendable {
    private let channel: any Channel
    private let answer: NIOLockedValueBox<(status: HTTPResponseStatus, body: String)>
    private let count: NIOLockedValueBox<Int>

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let answer: NIOLockedValueBox<(status: HTTPResponseStatus, body: String)>
        private let count: NIOLockedValueBox<Int>
        private var isRight = false

        init(_ answer: NIOLockedValueBox<(status: HTTPResponseStatus, body: String)>, _ count: NIOLockedValueBox<Int>) {
            self.answer = answer
            self.count = count
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                let path = "/computeMetadata/v1/instance/service-accounts/default/token"
                self.isRight = head.uri == path && head.headers["Metadata-Flavor"] == ["Google"]
            case .body:
                break
            case .end:
                self.count.withLockedValue { $0 += 1 }
                var (status, body) = self.answer.withLockedValue { $0 }
                if !self.isRight { (status, body) = (.forbidden, "") }
                let head = HTTPResponseHead(
                    version: .http1_1, status: status, headers: ["Content-Length": "\(body.utf8.count)", "Connection": "close"])
                context.write(self.wrapOutboundOut(.head(head)), promise: nil)
                context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
                context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
                context.close(promise: nil)
            }
        }
    }

    package static func start(_ body: String) async throws -> StubMetadataServer {
        let answer = NIOLockedValueBox((status: HTTPResponseStatus.ok, body: body))
        let count = NIOLockedValueBox(0)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(answer, count))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return StubMetadataServer(channel, answer, count)
    }

    private init(
        _ channel: any Channel, _ answer: NIOLockedValueBox<(status: HTTPResponseStatus, body: String)>, _ count: NIOLockedValueBox<Int>
    ) {
        self.channel = channel
        self.answer = answer
        self.count = count
    }

    /// As `GCE_METADATA_HOST` has it.
    package var authority: String { "127.0.0.1:\(self.channel.localAddress?.port ?? 0)" }

    /// How often it was asked.
    package var requests: Int { self.count.withLockedValue { $0 } }

    package func answer(status: Int = 200, _ body: String) {
        self.answer.withLockedValue { $0 = (HTTPResponseStatus(statusCode: status), body) }
    }

    package func stop() async throws {
        try await self.channel.close()
    }
}
