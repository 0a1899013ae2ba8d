import Glibc
package import NIOCore
import NIOPosix
import NIOSSL

/// Makes channels over TCP, with or without TLS, or over a unix socket.
///
/// Everything is looked up again for every channel: after a failover a host name may refer to another machine, and a password or certificate may have
/// been replaced. Files are read off the event loop, because reading a mounted secret may go over the network.
struct RedisSocketConnector: RedisConnector {
    private static let keepAliveIdleSeconds: Int = 60
    private static let keepAliveIntervalSeconds: Int = 15
    private static let keepAliveCount: Int = 3

    /// Supplies the password if it is neither in the configuration nor in a file.
    var passwordProvider: (any RedisPasswordProvider)?

    private struct Secrets: Sendable {
        var password: RedisPassword?
        var tls: NIOSSLContext?
    }

    func connect(_ configuration: RedisConfiguration, on eventLoop: any EventLoop) -> EventLoopFuture<RedisLink> {
        self.secrets(configuration, on: eventLoop).flatMap { secrets in
            Self.channel(configuration, secrets.tls, on: eventLoop).map { RedisLink(channel: $0, password: secrets.password) }
        }
    }

    private func secrets(_ configuration: RedisConfiguration, on eventLoop: any EventLoop) -> EventLoopFuture<Secrets> {
        if let provider = self.passwordProvider {
            let password = eventLoop.makeFutureWithTask { try await provider.password() }
            return self.files(configuration, on: eventLoop).and(password).map { Secrets(password: $1, tls: $0.tls) }
        }
        return self.files(configuration, on: eventLoop)
    }

    private func files(_ configuration: RedisConfiguration, on eventLoop: any EventLoop) -> EventLoopFuture<Secrets> {
        guard configuration.passwordFile != nil || configuration.tls != nil else {
            return eventLoop.makeSucceededFuture(Secrets(password: configuration.password))
        }
        return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            Secrets(
                password: try configuration.passwordFile.map { (path) throws(RedisFailure) in try RedisPassword(file: path) }
                    ?? configuration.password,
                tls: try configuration.tls?.makeContext())
        }
    }

    private static func channel(
        _ configuration: RedisConfiguration, _ tls: NIOSSLContext?, on eventLoop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(configuration.connectTimeout)
            .channelOption(.maxMessagesPerRead, value: 16)
        switch configuration.endpoint {
        case .tcp(let host, let port):
            let name = configuration.tls?.expectedName(host: host)
            return
                bootstrap
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.socketOption(.so_keepalive), value: 1)
                .channelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: self.keepAliveIdleSeconds)
                .channelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: self.keepAliveIntervalSeconds)
                .channelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: self.keepAliveCount)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard let tls else { return }
                        try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                }
                .connect(host: host, port: port)
        case .unixSocket(let path):
            return bootstrap.connect(unixDomainSocketPath: path)
        }
    }
}

/// Makes channels to Redis. Tests make theirs without a socket.
package protocol RedisConnector {
    /// The future must belong to `eventLoop`, and the channel must run on it. It fails with a `RedisFailure`, or with another error if the server
    /// cannot be reached.
    func connect(_ configuration: RedisConfiguration, on eventLoop: any EventLoop) -> EventLoopFuture<RedisLink>
}

/// A new channel, and the password to authenticate with on it.
package struct RedisLink: Sendable {
    let channel: any Channel
    let password: RedisPassword?

    package init(channel: any Channel, password: RedisPassword?) {
        self.channel = channel
        self.password = password
    }
}
