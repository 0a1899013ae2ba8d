import NIOCore
import NIOPosix
import RedisClient

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Looks for the way to Redis. Says nothing to the server.
enum NetworkProbe {
    private static let resolverLimit = TimeAmount.seconds(5)

    static func facts(of configuration: RedisConfiguration) async -> NetworkFacts {
        var facts = NetworkFacts(endpoint: configuration.endpoint)
        if case .tcp(let host, let port) = configuration.endpoint {
            let start = ContinuousClock.now
            do {
                facts.address = try await self.address(host, port)
                facts.resolutionTime = ContinuousClock.now - start
            } catch {
                facts.failure = error is ChannelError ? .slowResolver : .unknownName
                return facts
            }
        }
        let start = ContinuousClock.now
        do {
            let channel = try await self.connect(configuration)
            facts.connectionTime = ContinuousClock.now - start
            try? await channel.close()
        } catch {
            facts.failure = self.failure(error, configuration.endpoint)
        }
        return facts
    }

    /// The resolver blocks its thread, and may do so for longer than anybody wants to wait.
    private static func address(_ host: String, _ port: Int) async throws -> String {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = eventLoop.makePromise(of: String.self)
        let limit = eventLoop.scheduleTask(in: self.resolverLimit) { promise.fail(ChannelError.connectTimeout(self.resolverLimit)) }
        NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            try SocketAddress.makeAddressResolvingHost(host, port: port).ipAddress ?? host
        }.cascade(to: promise)
        defer { limit.cancel() }
        return try await promise.futureResult.get()
    }

    private static func connect(_ configuration: RedisConfiguration) async throws -> any Channel {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(configuration.connectTimeout)
        return switch configuration.endpoint {
        case .tcp(let host, let port): try await bootstrap.connect(host: host, port: port).get()
        case .unixSocket(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
        }
    }

    private static func failure(_ error: any Error, _ endpoint: RedisEndpoint) -> NetworkFacts.Failure {
        switch error {
        case let error as NIOConnectionError:
            // A host may have several addresses; that of the last attempt says enough.
            return error.connectionErrors.last.map { self.failure($0.error, endpoint) } ?? .unknownName
        case ChannelError.connectTimeout:
            return .noAnswer
        case let error as IOError:
            if case .unixSocket = endpoint { return .noSuchSocket }
            switch error.errnoCode {
            case ECONNREFUSED: return .refused
            case ETIMEDOUT: return .noAnswer
            default: return .other
            }
        default:
            return .other
        }
    }
}
