import RedisClient

/// The way to Redis: its name, and whether anything accepts connections there.
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
    /// With two digits behind the point: `0.42 ms`.
    var milliseconds: String {
        let hundredths = Int((self / .microseconds(10)).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) ms"
    }
}
