import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A server that looks like Redis to its first connection, and accepts the others without ever answering. On a port of the loopback that the kernel
/// chose.
package final class StubRedis: Sendable {
    private let channel: any Channel

    package static func start() async throws -> StubRedis {
        let connections = NIOLockedValueBox(0)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                let number = connections.withLockedValue { count in
                    count += 1
                    return count
                }
                return channel.eventLoop.makeCompletedFuture {
                    if number == 1 { try channel.pipeline.syncOperations.addHandler(Handler()) }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return StubRedis(channel)
    }

    private init(_ channel: any Channel) {
        self.channel = channel
    }

    package var port: Int { self.channel.localAddress?.port ?? 0 }

    package func stop() async throws {
        try await self.channel.close()
    }

    /// Knows the commands of a connection that is made, and what is asked before Redis is trusted. A command comes in one piece here.
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private static let replies = [
            "HELLO": "%0\r\n", "CLIENT": "+OK\r\n", "PING": "+PONG\r\n", "INFO": "$0\r\n\r\n", "GET": "$-1\r\n", "SET": "$-1\r\n", "UNLINK": ":0\r\n",
        ]

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let lines = String(buffer: self.unwrapInboundIn(data)).split(separator: "\r\n", omittingEmptySubsequences: false)
            var reply = ""
            // "*2", "$4", "INFO", ...: the name is the third line of a command.
            for index in lines.indices.dropLast(2) where lines[index].hasPrefix("*") { reply += Self.replies[String(lines[index + 2])] ?? "+OK\r\n" }
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: reply)), promise: nil)
        }
    }
}
