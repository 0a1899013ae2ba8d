package import NIOCore

/// What is behind the first handlers of a connection once its protocol is known.
package protocol ConnectionProtocols: AnyObject {
    /// Makes the codec of HTTP/1.1 and what is behind it. Returns the handler in front of which the gate belongs.
    func makeHTTP1() throws -> any ChannelHandler

    /// Returns what makes the pipeline of each HTTP/2 stream that the router answers.
    func makeHTTP2() -> @Sendable (any Channel) -> EventLoopFuture<Void>

    /// The connection has ended. Called once or more.
    func ended()
}

/// Stands before the lane of HTTP/1.1 until the first bytes of a connection have told its protocol, and then leaves the pipeline.
final class ProtocolDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let scope: EventLoopScope
    private let lane: FastLane
    private let protocols: any ConnectionProtocols
    private var held = ByteBuffer()
    private var isDecided = false

    init(_ scope: EventLoopScope, lane: FastLane, _ protocols: any ConnectionProtocols) {
        self.scope = scope
        self.lane = lane
        self.protocols = protocols
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        guard !self.isDecided else { return context.fireChannelRead(data) }
        self.held.writeBuffer(&bytes)
        switch self.held.withUnsafeReadableBytes({ ClientPreface.find(in: $0) }) {
        case .undecided: self.lane.prefaceBegan()
        case .http1: self.startHTTP1(context)
        case .http2: self.startHTTP2(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // What has come is not a preface, and never will be.
        if case .inputClosed? = event as? ChannelEvent, !self.isDecided { self.startHTTP1(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !self.isDecided { self.protocols.ended() }
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        if !self.isDecided { self.protocols.ended() }
    }

    private func startHTTP1(_ context: ChannelHandlerContext) {
        self.isDecided = true
        do {
            let codec = try self.protocols.makeHTTP1()
            try context.pipeline.syncOperations.addHandler(CodecGate(self.lane), position: .before(codec))
            self.passOn(context)
        } catch {
            self.end(context)
        }
    }

    private func startHTTP2(_ context: ChannelHandlerContext) {
        self.isDecided = true
        guard let account = self.lane.releaseAccount() else { return self.refuse(context) }
        do {
            let pipeline = context.pipeline.syncOperations
            try HTTP2Lane(self.scope, account, self.protocols).addHandlers(to: pipeline, after: self, on: context.channel)
            pipeline.removeHandler(self.lane, promise: nil)
            self.passOn(context)
        } catch {
            self.end(context)
        }
    }

    /// There are too many connections: an empty SETTINGS frame, which must be the first one, and GOAWAY with ENHANCE_YOUR_CALM.
    private func refuse(_ context: ChannelHandlerContext) {
        self.scope.limiter.recordRefusal(.connections)
        let frames: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0] + [0, 0, 8, 7, 0, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0x0b]
        context.writeAndFlush(NIOAny(IOData.byteBuffer(ByteBuffer(bytes: frames))), promise: nil)
        self.end(context)
    }

    private func end(_ context: ChannelHandlerContext) {
        self.protocols.ended()
        context.close(promise: nil)
    }

    private func passOn(_ context: ChannelHandlerContext) {
        let bytes = self.held
        self.held = ByteBuffer()
        if bytes.readableBytes > 0 { context.fireChannelRead(self.wrapInboundOut(bytes)) }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}

@available(*, unavailable)
extension ProtocolDetector: Sendable {}
