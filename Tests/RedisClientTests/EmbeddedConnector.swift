import NIOCore
import NIOEmbedded

@testable import RedisClient

/// Gives channels without sockets, or failures, as the test wants.
final class EmbeddedConnector: RedisConnector {
    struct Refused: Error, CustomStringConvertible {
        var description: String { "refused by the test" }
    }

    private(set) var channels: [EmbeddedChannel] = []
    private(set) var counters: [FlushCounter] = []
    private(set) var attempts = 0
    private var outstanding: [EventLoopPromise<any Channel>] = []
    var refuses = false
    /// Attempts stay open until `completeAttempts`.
    var stalls = false

    func connect(_ configuration: RedisConfiguration, on eventLoop: any EventLoop) -> EventLoopFuture<RedisLink> {
        self.attempts += 1
        let promise = eventLoop.makePromise(of: (any Channel).self)
        self.outstanding.append(promise)
        if !self.stalls {
            self.completeAttempts(on: eventLoop)
        }
        return promise.futureResult.map { RedisLink(channel: $0, password: configuration.password) }
    }

    func completeAttempts(on eventLoop: any EventLoop) {
        let promises = self.outstanding
        self.outstanding = []
        for promise in promises {
            guard !self.refuses, let loop = eventLoop as? EmbeddedEventLoop, let channel = try? self.makeChannel(loop) else {
                promise.fail(Refused())
                continue
            }
            promise.succeed(channel)
        }
    }

    private func makeChannel(_ loop: EmbeddedEventLoop) throws -> EmbeddedChannel {
        let counter = FlushCounter()
        let channel = EmbeddedChannel(handler: counter, loop: loop)
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/test"), promise: nil)
        self.channels.append(channel)
        self.counters.append(counter)
        return channel
    }
}

/// Counts what reaches the socket's end of the pipeline.
final class FlushCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var writes = 0
    private(set) var flushes = 0

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        self.writes += 1
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        self.flushes += 1
        context.flush()
    }
}
