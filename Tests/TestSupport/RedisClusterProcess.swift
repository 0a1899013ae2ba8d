/// A real Redis Cluster of a test's own: redis-server processes on loopback, on ports that the kernel chose.
///
/// Not Sendable: it belongs to the test that started it, and all of its processes end with it at the latest.
package final class RedisClusterProcess {
    /// What kind of cluster.
    package struct Shape: Sendable {
        /// At least 3: fewer cannot agree on a failover.
        package var masters = 3
        /// Of all masters together; the first belongs to the first master, and so on round.
        package var replicas = 0
        /// Whether one slot without an owner ends all service, which is the server's default.
        package var requiresFullCoverage = false
        /// How long nodes are patient with each other; a machine that is busier than that sees masters fail that live.
        package var nodeTimeoutMilliseconds = 1000
        package var password: String?
        /// With them, TLS is spoken on every port, also between the nodes.
        package var certificates: TestCertificates?
        /// Further lines of redis.conf, the same for every node.
        package var configuration: [String] = []

        package init() {}
    }

    /// What the test has done to a node.
    package enum Condition: Sendable {
        case running, paused, stopped
    }

    static let host = "127.0.0.1"
    package static let slotCount = 16_384

    private let servers: [RedisServerProcess]
    /// The ports of the bus, kept while nodes are stopped.
    private let buses: [PortReservation]
    private let password: String?
    private let isEncrypted: Bool
    private let replicaCount: Int
    private var conditions: [Condition]
    /// The nodes' names, by which they know each other.
    package private(set) var identifiers: [String] = []

    private init(_ shape: Shape) throws {
        let nodes = try (0..<(shape.masters + shape.replicas)).map { _ in try Self.startNode(shape) }
        self.servers = nodes.map(\.server)
        self.buses = nodes.map(\.bus)
        self.conditions = nodes.map { _ in .running }
        self.password = shape.password
        self.isEncrypted = shape.certificates != nil
        self.replicaCount = shape.replicas
    }

    deinit { self.stop() }

    /// Starts a cluster and waits until every node serves and every replica has its master's data; 2 s of that are the server's own.
    package static func start(_ shape: Shape = Shape()) async throws -> RedisClusterProcess {
        let cluster = try RedisClusterProcess(shape)
        try await cluster.form(shape)
        return cluster
    }

    /// Starts a cluster, gives it to `body`, and ends it.
    package static func with<Result>(_ shape: Shape = Shape(), _ body: (RedisClusterProcess) async throws -> Result) async throws -> Result {
        let cluster = try await self.start(shape)
        defer { cluster.stop() }
        return try await body(cluster)
    }

    private static func startNode(_ shape: Shape) throws -> (server: RedisServerProcess, bus: PortReservation) {
        let bus = try PortReservation()
        return (try RedisServerProcess(isEncrypted: shape.certificates != nil, configuration: self.lines(shape, bus.port)), bus)
    }

    private static func lines(_ shape: Shape, _ busPort: Int) -> [String] {
        var lines = [
            "cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-port \(busPort)",
            "cluster-node-timeout \(shape.nodeTimeoutMilliseconds)",
            "cluster-require-full-coverage \(shape.requiresFullCoverage ? "yes" : "no")",
            // A replica stays where the test has put it, and takes over however long its master has been silent.
            "cluster-allow-replica-migration no", "cluster-replica-validity-factor 0", "repl-diskless-sync yes", "repl-diskless-sync-delay 0",
        ]
        if let password = shape.password { lines += ["requirepass \(password)", "masterauth \(password)"] }
        if let certificates = shape.certificates {
            lines += [
                "tls-cert-file \(certificates.serverCertificate)", "tls-key-file \(certificates.serverKey)",
                "tls-ca-cert-file \(certificates.authority)", "tls-auth-clients no", "tls-cluster yes", "tls-replication yes",
            ]
        }
        return lines + shape.configuration
    }

    private func form(_ shape: Shape) async throws {
        for node in self.indices {
            self.identifiers.append(try await self.command(node, "CLUSTER", "MYID").text ?? "")
            try await self.order(node, ["CLUSTER", "SET-CONFIG-EPOCH", "\(node + 1)"])
        }
        for master in 0..<shape.masters {
            let first = master * Self.slotCount / shape.masters
            let last = (master + 1) * Self.slotCount / shape.masters - 1
            try await self.order(master, ["CLUSTER", "ADDSLOTSRANGE", "\(first)", "\(last)"])
        }
        for node in self.indices.dropFirst() {
            let others = (0..<node).map { ["CLUSTER", "MEET", Self.host, "\(self.servers[$0].port)", "\(self.buses[$0].port)"] }
            try await self.order(node, others)
        }
        for replica in self.indices.dropFirst(shape.masters) {
            let master = self.identifiers[(replica - shape.masters) % shape.masters]
            try await eventually("a node that knows its master") {
                try await self.command(replica, "CLUSTER", "REPLICATE", master) == .text("OK")
            }
        }
        try await self.settle()
        try await eventually("every node to know every replica") {
            try await self.agree { node in
                try await self.lines(of: node, "CLUSTER", "NODES").count { $0.contains(" slave ") || $0.contains(",slave ") } == shape.replicas
            }
        }
    }

    // MARK: The nodes

    /// The masters come first.
    package var indices: Range<Int> { self.servers.indices }

    /// Those that answer.
    package var running: [Int] { self.indices.filter { self.conditions[$0] == .running } }

    /// Ports on 127.0.0.1, the same over restarts.
    package var ports: [Int] { self.servers.map(\.port) }

    /// The address of one or several nodes for a client of the cluster.
    package func url(_ nodes: Int...) -> String { self.url(nodes) }

    package func url(_ nodes: some Sequence<Int>) -> String {
        let hosts = nodes.map { "\(Self.host):\(self.servers[$0].port)" }.joined(separator: ",")
        return "\(self.isEncrypted ? "rediss" : "redis")://\(self.password.map { ":\($0)@" } ?? "")\(hosts)"
    }

    /// Ends a node at once, as a crash would.
    package func kill(_ node: Int) {
        self.servers[node].stop()
        self.conditions[node] = .stopped
    }

    /// The node keeps its sockets and does nothing.
    package func pause(_ node: Int) {
        self.servers[node].pause()
        self.conditions[node] = .paused
    }

    /// A node that was paused goes on.
    package func resume(_ node: Int) {
        self.servers[node].resume()
        self.conditions[node] = .running
    }

    /// Starts a node that was ended, on its old ports and with what it knew of the cluster; with its data if it is configured to keep them.
    package func restart(_ node: Int) async throws {
        try await eventually("a node that can start") {
            do {
                try self.servers[node].start()
                return true
            } catch {
                return false
            }
        }
        self.conditions[node] = .running
    }

    /// Ends all nodes.
    package func stop() {
        for node in self.indices { self.kill(node) }
    }

    // MARK: Commands

    /// Has a node carry out a command, whoever owns its key.
    @discardableResult
    package func command(_ node: Int, _ words: String...) async throws -> RedisReply {
        guard let reply = try await self.replies(node, [words]).first else { throw TestProcessError(reason: "no reply") }
        return reply
    }

    /// The same with several commands over one connection.
    package func replies(_ node: Int, _ commands: [[String]]) async throws -> [RedisReply] {
        try await self.servers[node].replies(to: commands, password: self.password)
    }

    /// Commands of which none may be refused.
    func order(_ node: Int, _ commands: [[String]]) async throws {
        for (command, reply) in zip(commands, try await self.replies(node, commands)) {
            if let error = reply.error { throw TestProcessError(reason: "\(command.joined(separator: " ")) at node \(node): \(error)") }
        }
    }

    func order(_ node: Int, _ command: [String]) async throws {
        try await self.order(node, [command])
    }

    /// The words of MIGRATE by which a node becomes a client of another.
    var authentication: [String] { self.password.map { ["AUTH", $0] } ?? [] }

    /// Has the cluster carry out a command on the key that is its second word, wherever that is.
    @discardableResult
    package func keyed(_ words: String...) async throws -> RedisReply {
        guard var node = self.running.first else { throw TestProcessError(reason: "no node is running") }
        var isAsking = false
        for _ in 0..<10 {
            let commands = isAsking ? [["ASKING"], words] : [words]
            guard let reply = try await self.replies(node, commands).last else { break }
            let parts = reply.error?.split(separator: " ").map(String.init) ?? []
            guard parts.count == 3, parts[0] == "MOVED" || parts[0] == "ASK", let port = parts[2].split(separator: ":").last.flatMap({ Int($0) }),
                let next = self.ports.firstIndex(of: port), self.conditions[next] == .running
            else { return reply }
            isAsking = parts[0] == "ASK"
            node = next
        }
        throw TestProcessError(reason: "\(words.joined(separator: " ")) finds no owner")
    }

    /// A figure of INFO; nil if it is not there or is no number.
    package func figure(_ node: Int, _ name: String) async throws -> Int? {
        try await self.lines(of: node, "INFO").first { $0.hasPrefix("\(name):") }.flatMap { Int($0.dropFirst(name.utf8.count + 1)) }
    }

    func lines(of node: Int, _ words: String...) async throws -> [String] {
        let text = try await self.replies(node, [words]).first?.text ?? ""
        return text.split(whereSeparator: \.isNewline).map(String.init)
    }

    // MARK: The state of the whole

    /// Waits until every node that runs serves, and every replica among them has its master's data. If all run, there are as many replicas as at first.
    package func settle(fileID: String = #fileID, line: Int = #line) async throws {
        try await eventually("a cluster that serves", fileID: fileID, line: line) {
            var replicas = 0
            for node in self.running {
                let replies = try await self.replies(node, [["CLUSTER", "INFO"], ["INFO", "replication"]]).map { $0.text ?? "" }
                let isReplica = replies[1].contains("role:slave")
                guard replies[0].contains("cluster_state:ok"), replies[0].contains("cluster_known_nodes:\(self.servers.count)\r\n"),
                    !isReplica || replies[1].contains("master_link_status:up")
                else { return false }
                replicas += isReplica ? 1 : 0
            }
            return replicas == self.replicaCount || self.running.count < self.servers.count
        }
    }

    private func agree(_ condition: (Int) async throws -> Bool) async throws -> Bool {
        for node in self.running where try await !condition(node) { return false }
        return true
    }
}

@available(*, unavailable)
extension RedisClusterProcess: Sendable {}
