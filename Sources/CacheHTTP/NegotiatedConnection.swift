import HTTPTypes
import HTTPWire
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOHTTPTypesHTTP2

/// Where the requests of a connection come from.
enum ConnectionRequests: Sendable {
    /// The connection itself.
    case http1(HTTP1Channel.Value)
    /// Its streams, each with one request.
    case http2(AsyncStream<HTTP1Channel.Value>)
}

/// Makes what is behind the lanes of a connection once its protocol is known, and tells the task of the connection.
final class NegotiatedConnection: ConnectionProtocols {
    private let channel: any Channel
    private let base: HTTP1Channel
    private let logger: Logger
    private let promise: EventLoopPromise<ConnectionRequests>
    private var streams: AsyncStream<HTTP1Channel.Value>.Continuation?

    init(_ channel: any Channel, _ base: HTTP1Channel, _ logger: Logger) {
        self.channel = channel
        self.base = base
        self.logger = logger
        self.promise = channel.eventLoop.makePromise()
    }

    var requests: EventLoopFuture<ConnectionRequests> { self.promise.futureResult }

    func makeHTTP1() throws -> any ChannelHandler {
        // Hummingbird makes its pipeline before it returns.
        self.base.setup(channel: self.channel, logger: self.logger).map { .http1($0) }.cascade(to: self.promise)
        return try self.channel.pipeline.syncOperations.handler(type: HTTP1ToHTTPServerCodec.self)
    }

    func makeHTTP2() -> @Sendable (any Channel) -> EventLoopFuture<Void> {
        let (streams, continuation) = AsyncStream.makeStream(of: HTTP1Channel.Value.self)
        self.streams = continuation
        self.promise.succeed(.http2(streams))
        return { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandlers([HTTP2FramePayloadToHTTPServerCodec(), StreamGate()])
                continuation.yield(
                    try HTTP1Channel.Value(
                        wrappingChannelSynchronously: stream,
                        // Of a body that nobody has asked for little is read: the window of its stream holds the client back.
                        configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2))))
            }
        }
    }

    func ended() {
        self.promise.fail(ChannelError.eof)
        self.streams?.finish()
    }
}

/// Keeps the rules of a stream that the router does not see, as `CodecGate` does those of a connection: it lets a client that waits for permission
/// send its body when the route asks for it (RFC 9110, section 10.1.1), and answers without a body do not state the length of one (section 8.6).
final class StreamGate: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private var isAwaited = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = self.unwrapInboundIn(data) {
            self.isAwaited = head.headerFields[values: .expect].contains { $0.lowercased() == "100-continue" }
        } else {
            self.isAwaited = false
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = self.unwrapOutboundIn(data), [204, 304].contains(head.status.code) else {
            return context.write(data, promise: promise)
        }
        head.headerFields[.contentLength] = nil
        context.write(self.wrapOutboundOut(.head(head)), promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        promise?.succeed()
        guard self.isAwaited else { return }
        self.isAwaited = false
        context.writeAndFlush(self.wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }
}

@available(*, unavailable)
extension StreamGate: Sendable {}
