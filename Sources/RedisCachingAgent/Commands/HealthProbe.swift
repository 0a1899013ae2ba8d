import NIOCore
import NIOPosix

/// One `GET /health/live` to the service on this machine.
enum HealthProbe {
    /// The status line of the answer.
    /// - Throws: where there is none within `limit`.
    static func statusLine(host: String, port: Int, limit: TimeAmount) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(limit)
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let deadline = channel.channel.eventLoop.scheduleTask(in: limit) { channel.channel.close(promise: nil) }
        defer { deadline.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
            for try await bytes in inbound {
                return String(String(buffer: bytes).prefix { $0 != "\r\n" })
            }
            return "no answer"
        }
    }
}
