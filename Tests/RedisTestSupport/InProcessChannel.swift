import NIOCore

/// A channel without a socket: what the client writes goes to a peer in the same process. Runs on any event loop, embedded or real.
final class InProcessChannel: Channel {
    /// The other end. Called on the channel's event loop.
    struct Peer: Sendable {
        let received: @Sendable (ByteBuffer) -> Void
        let clientClosed: @Sendable () -> Void
    }

    private struct State {
        var pipeline: ChannelPipeline?
        var isActive = true
        var unflushed = ByteBuffer()
    }

    let eventLoop: any EventLoop
    let allocator = ByteBufferAllocator()
    private let peer: Peer
    private let closePromise: EventLoopPromise<Void>
    private let state: NIOLoopBoundBox<State>

    /// Must be called on `eventLoop`. The channel is active at once.
    init(eventLoop: any EventLoop, peer: Peer) {
        self.eventLoop = eventLoop
        self.peer = peer
        self.closePromise = eventLoop.makePromise()
        self.state = NIOLoopBoundBox(State(), eventLoop: eventLoop)
        self.state.value.pipeline = ChannelPipeline(channel: self)
    }

    /// The peer sends bytes, which arrive in a later task of the event loop, as they would from a socket.
    func deliver(_ bytes: ByteBuffer) {
        self.eventLoop.execute {
            guard self.isActive else { return }
            self.pipeline.syncOperations.fireChannelRead(NIOAny(bytes))
            self.pipeline.syncOperations.fireChannelReadComplete()
        }
    }

    /// The peer closes the connection.
    func hangUp() {
        self.eventLoop.execute { self.deactivate() }
    }

    private func deactivate() {
        guard self.isActive else { return }
        self.state.value.isActive = false
        self.pipeline.syncOperations.fireChannelInactive()
        self.eventLoop.execute {
            self.removeHandlers(pipeline: self.pipeline)
            self.closePromise.succeed()
        }
    }

    var closeFuture: EventLoopFuture<Void> { self.closePromise.futureResult }

    var pipeline: ChannelPipeline {
        guard let pipeline = self.state.value.pipeline else { preconditionFailure("the pipeline is set by the initializer") }
        return pipeline
    }

    var localAddress: SocketAddress? { nil }
    var remoteAddress: SocketAddress? { nil }
    var parent: (any Channel)? { nil }
    var isWritable: Bool { self.isActive }
    var isActive: Bool { self.state.value.isActive }
    var _channelCore: any ChannelCore { self }

    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        self.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        self.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }
}

extension InProcessChannel: ChannelCore {
    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard self.isActive else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        var bytes = self.unwrapData(data, as: ByteBuffer.self)
        self.state.value.unflushed.writeBuffer(&bytes)
        promise?.succeed()
    }

    func flush0() {
        let bytes = self.state.value.unflushed
        guard self.isActive, bytes.readableBytes > 0 else { return }
        self.state.value.unflushed = ByteBuffer()
        self.peer.received(bytes)
    }

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard self.isActive else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        self.peer.clientClosed()
        self.deactivate()
        promise?.succeed()
    }

    func localAddress0() throws -> SocketAddress { throw ChannelError.operationUnsupported }
    func remoteAddress0() throws -> SocketAddress { throw ChannelError.operationUnsupported }
    func register0(promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }
    func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }
    func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }
    func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }
    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }
    func read0() {}
    func channelRead0(_ data: NIOAny) {}
    func errorCaught0(error: any Error) {}
}
