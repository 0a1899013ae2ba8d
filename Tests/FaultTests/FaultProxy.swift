import NIOCore
import NIOPosix
import TestSupport

/// A TCP proxy on a port of the loopback that the kernel chose, which can do to connections what networks do.
///
/// All of its channels share one event loop, so its state needs no lock.
struct FaultProxy: Sendable {
    private final class State {
        let targetPort: Int
        var fault = ProxyFault.none
        var connections: [ObjectIdentifier: ProxyConnection] = [:]
        var accepted = 0
        var random: SplitMix64

        init(targetPort: Int, seed: UInt64) {
            self.targetPort = targetPort
            self.random = SplitMix64(seed: seed)
        }

        /// A fault may end while the counterpart is being made: the connection starts with what is true then.
        func add(client: any Channel, server: any Channel) -> ProxyConnection {
            let connection = ProxyConnection(client: client, server: server, seed: self.random.next())
            self.connections[ObjectIdentifier(client)] = connection
            return connection
        }

        /// What one side has sent may still have to be delivered when it has ended.
        func forgetIfEnded(_ client: any Channel) {
            guard self.connections[ObjectIdentifier(client)]?.isEnded == true else { return }
            self.connections[ObjectIdentifier(client)] = nil
        }
    }

    /// Gives what a channel reads, and its end, to a connection.
    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let read: (ByteBuffer) -> Void
        private let ended: () -> Void

        init(read: @escaping (ByteBuffer) -> Void, ended: @escaping () -> Void) {
            self.read = read
            self.ended = ended
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { self.read(self.unwrapInboundIn(data)) }
        func channelInactive(context: ChannelHandlerContext) { self.ended() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private let channel: any Channel
    private let state: NIOLoopBound<State>

    /// Starts a proxy before the server at `targetPort` of the loopback.
    static func start(targetPort: Int, seed: UInt64) async throws -> FaultProxy {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        return try await eventLoop.flatSubmit {
            let state = State(targetPort: targetPort, seed: seed)
            let bound = NIOLoopBound(state, eventLoop: eventLoop)
            return ServerBootstrap(group: eventLoop)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.allowRemoteHalfClosure, value: false)
                .childChannelInitializer { client in
                    let state = bound.value
                    state.accepted += 1
                    guard state.fault != .cut else { return client.eventLoop.makeFailedFuture(ChannelError.connectTimeout(.zero)) }
                    return Self.join(client, state, on: eventLoop)
                }
                .bind(host: "127.0.0.1", port: 0)
                .map { FaultProxy(channel: $0, state: bound) }
        }.get()
    }

    private static func join(_ client: any Channel, _ state: State, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(state, eventLoop: eventLoop)
        return ClientBootstrap(group: eventLoop)
            .channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: state.targetPort)
            .flatMapThrowing { server in
                let state = bound.value
                let connection = state.add(client: client, server: server)
                try server.pipeline.syncOperations.addHandler(
                    Reader(read: connection.serverSent) {
                        connection.serverEnded()
                        state.forgetIfEnded(client)
                    })
                try client.pipeline.syncOperations.addHandler(
                    Reader(read: connection.clientSent) {
                        connection.clientEnded()
                        state.forgetIfEnded(client)
                    })
                connection.apply(state.fault)
                try server.syncOptions?.setOption(.autoRead, value: true)
                try client.syncOptions?.setOption(.autoRead, value: true)
            }
    }

    var port: Int { self.channel.localAddress?.port ?? 0 }

    func apply(_ fault: ProxyFault) async throws {
        try await self.channel.eventLoop.submit {
            let state = self.state.value
            state.fault = fault
            for connection in state.connections.values { connection.apply(fault) }
        }.get()
    }

    /// Only one of the connections that are open meets with it, chosen at random.
    func applyToOneConnection(_ fault: ProxyFault) async throws {
        try await self.channel.eventLoop.submit {
            let state = self.state.value
            state.connections.values.randomElement(using: &state.random)?.apply(fault)
        }.get()
    }

    /// How many connections were made to it so far.
    func acceptedConnections() async throws -> Int {
        try await self.channel.eventLoop.submit { self.state.value.accepted }.get()
    }

    func stop() async throws {
        try await self.apply(.cut)
        try await self.channel.close()
    }
}

/// What a proxy does to the connections that go through it.
enum ProxyFault: Hashable, Sendable {
    case none
    /// Every connection is closed, and every new one. What the proxy holds for the server is delivered first: a network does that too.
    case cut
    /// Nothing is delivered in either direction until the fault ends; then everything is, in order.
    case blackHole
    /// Bytes arrive this much later.
    case delay(toServerMilliseconds: Int, toClientMilliseconds: Int)
    /// The client sees the end of the server's stream; what it sends goes on arriving.
    case halfClose
    /// The client gets other bytes than those that the server sends.
    case garbage

    /// How late bytes may arrive at the server under it, in milliseconds, beside the time that the fault lasts.
    var delayMilliseconds: Int {
        if case .delay(let toServer, _) = self { toServer } else { 0 }
    }
}
