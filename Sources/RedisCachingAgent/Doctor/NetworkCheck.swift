import NIOCore
import NIOPosix
import RedisClient

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Whether the name of Redis resolves, and whether anything accepts connections there.
struct NetworkFacts: Hashable, Sendable {
    enum Failure: Hashable, Sendable {
        case unknownName
        case slowResolver
        case refused
        case noAnswer
        case noSuchSocket
        case other
    }

    let endpoint: RedisEndpoint
    /// The first address of the name; nil for a unix socket.
    var address: String?
    var resolutionTime: Duration?
    var connectionTime: Duration?
    var failure: Failure?
}

enum NetworkCheck {
    static func findings(_ facts: NetworkFacts) -> [Finding] { [self.address(facts), self.connection(facts)] }

    private static func address(_ facts: NetworkFacts) -> Finding {
        switch facts.failure {
        case .unknownName:
            return .fault(
                .address, "\(facts.endpoint): the name cannot be resolved", "Check REDIS_HOST or REDIS_URL, and the resolver of this network.")
        case .slowResolver:
            return .fault(.address, "\(facts.endpoint): the resolver does not answer", "Check the resolver (DNS) of this network.")
        case .refused, .noAnswer, .noSuchSocket, .other, nil:
            guard let address = facts.address, let time = facts.resolutionTime else { return .ok(.address, "\(facts.endpoint)") }
            return .ok(.address, "\(facts.endpoint) is \(address) (resolved in \(time.milliseconds))")
        }
    }

    private static func connection(_ facts: NetworkFacts) -> Finding {
        switch facts.failure {
        case .unknownName, .slowResolver:
            return .skipped(.connection, "needs an address")
        case .refused:
            return .fault(
                .connection, "nothing listens on the port", "Check that Redis runs and REDIS_PORT is its port (Memorystore with TLS: 6378).")
        case .noAnswer:
            return .fault(
                .connection, "no answer to the connection within REDIS_CONNECT_TIMEOUT_MS",
                "Check firewalls, the VPC connector or the subnetwork: packets are dropped on the way.")
        case .noSuchSocket:
            return .fault(
                .connection, "there is no such socket, or it may not be used", "Check the path in REDIS_URL and the permissions of the socket.")
        case .other:
            return .fault(.connection, "the network refuses the connection", "Check routes and firewalls between here and Redis.")
        case nil:
            return .ok(.connection, facts.connectionTime.map { "accepted in \($0.milliseconds)" } ?? "accepted")
        }
    }
}

extension Duration {
    /// With two decimals: `0.42 ms`.
    var milliseconds: String {
        let hundredths = Int((self / .microseconds(10)).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) ms"
    }
}

/// Resolves the name of Redis and connects. Sends nothing.
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

    /// The resolver blocks its thread, possibly for longer than anybody wants to wait.
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
