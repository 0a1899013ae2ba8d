/// What a Redis server knows and does, as a value without a clock or a connection: its databases and its clients.
///
/// It carries out the commands that the service sends, and replies in the words of Redis 7.0; a contract test compares the two. Whatever it does not
/// implement is an error that says so, so that a test cannot rely on it by accident.
struct InMemoryRedisServer {
    /// A client as the server sees it.
    struct Client {
        var name = ""
        var database = 0
        var protocolVersion = 2
        var isAuthenticated: Bool
    }

    static let databaseCount = 16

    var version = "7.0.15"
    var runIdentifier = String(repeating: "0", count: 40)
    /// The password of the user `default`; nil for none.
    var password: [UInt8]?
    /// Milliseconds; only ever set by the owner.
    var now: Int64 = 0
    var databases = Array(repeating: InMemoryRedisKeyspace(), count: databaseCount)
    private(set) var clients: [Int64: Client] = [:]
    private var lastIdentifier: Int64 = 0

    mutating func addClient(identifier: Int64? = nil) -> Int64 {
        self.lastIdentifier = identifier ?? self.lastIdentifier + 1
        self.clients[self.lastIdentifier] = Client(isAuthenticated: self.password == nil)
        return self.lastIdentifier
    }

    mutating func removeClient(_ identifier: Int64) {
        self.clients[identifier] = nil
    }

    /// - Parameter killed: called with each client that the command disconnects.
    mutating func execute(_ command: [[UInt8]], from identifier: Int64, killed: (Int64) -> Void = { _ in }) -> InMemoryRedisReply {
        guard var client = self.clients[identifier], let first = command.first else { return .error("ERR no such client or command") }
        let name = String(decoding: first, as: UTF8.self).uppercased()
        let arguments = Array(command.dropFirst())
        guard let minimum = Self.minimumArguments(name) else { return Self.unknown(first, arguments) }
        let isCountRight = arguments.count >= minimum && arguments.count <= Self.maximumArguments(name)
        guard isCountRight else { return Self.wrongCount(name.lowercased()) }
        if name == "CLIENT", let reply = Self.subcommandError(arguments) { return reply }
        guard client.isAuthenticated || name == "AUTH" || name == "HELLO" else { return .error("NOAUTH Authentication required.") }
        defer { if self.clients[identifier] != nil { self.clients[identifier] = client } }
        switch name {
        case "HELLO": return self.hello(arguments, identifier, &client)
        case "AUTH": return self.authenticate(arguments, &client)
        case "CLIENT": return self.client(arguments, identifier, &client, killed)
        case "SELECT": return Self.select(arguments[0], &client)
        case "PING": return arguments.first.map { .bulk($0) } ?? .simple("PONG")
        case "INFO": return .verbatim(self.information(client.database))
        case "FLUSHDB":
            guard arguments.isEmpty else { return .syntaxError }
            self.databases[client.database] = InMemoryRedisKeyspace()
            return .ok
        default: return self.databases[client.database].execute(name, arguments, now: self.now)
        }
    }

    private static func minimumArguments(_ name: String) -> Int? {
        switch name {
        case "HELLO", "PING", "INFO", "DBSIZE", "FLUSHDB": 0
        case "AUTH", "CLIENT", "SELECT", "GET", "PTTL", "UNLINK", "DEL", "EXISTS", "SCAN": 1
        case "SET": 2
        default: nil
        }
    }

    private static func maximumArguments(_ name: String) -> Int {
        switch name {
        case "DBSIZE": 0
        case "SELECT", "GET", "PTTL", "PING": 1
        default: .max
        }
    }

    private static func wrongCount(_ name: String) -> InMemoryRedisReply { .error("ERR wrong number of arguments for '\(name)' command") }

    private static func unknown(_ name: [UInt8], _ arguments: [[UInt8]]) -> InMemoryRedisReply {
        var quoted = ""
        for argument in arguments where quoted.utf8.count < 128 {
            quoted += "'\(String(decoding: argument.prefix(128 - quoted.utf8.count), as: UTF8.self))' "
        }
        return .error("ERR unknown command '\(String(decoding: name.prefix(128), as: UTF8.self))', with args beginning with: \(quoted)")
    }

    private static func select(_ argument: [UInt8], _ client: inout Client) -> InMemoryRedisReply {
        guard let index = InMemoryRedisKeyspace.integer(argument), Int32(exactly: index) != nil else { return .notAnInteger }
        guard (0..<Int64(self.databaseCount)).contains(index) else { return .error("ERR DB index is out of range") }
        client.database = Int(index)
        return .ok
    }

    private func isPassword(user: [UInt8], _ password: [UInt8]) -> Bool {
        user == Array("default".utf8) && (self.password == nil || self.password == password)
    }

    private static let wrongPassword = InMemoryRedisReply.error("WRONGPASS invalid username-password pair or user is disabled.")

    private func authenticate(_ arguments: [[UInt8]], _ client: inout Client) -> InMemoryRedisReply {
        guard arguments.count <= 2 else { return .syntaxError }
        if arguments.count == 1, self.password == nil {
            return .error(
                "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
        }
        let user = arguments.count == 2 ? arguments[0] : Array("default".utf8)
        guard self.isPassword(user: user, arguments[arguments.count - 1]) else { return Self.wrongPassword }
        client.isAuthenticated = true
        return .ok
    }

    private func hello(_ arguments: [[UInt8]], _ identifier: Int64, _ client: inout Client) -> InMemoryRedisReply {
        var protocolVersion = client.protocolVersion
        if let version = arguments.first {
            guard let number = InMemoryRedisKeyspace.integer(version) else {
                return .error("ERR Protocol version is not an integer or out of range")
            }
            guard number == 2 || number == 3 else { return .error("NOPROTO unsupported protocol version") }
            protocolVersion = Int(number)
        }
        var index = 1
        while index < arguments.count {
            let option = String(decoding: arguments[index], as: UTF8.self)
            switch (option.uppercased(), arguments.count - index - 1) {
            case ("AUTH", 2...):
                guard self.isPassword(user: arguments[index + 1], arguments[index + 2]) else { return Self.wrongPassword }
                client.isAuthenticated = true
                index += 3
            case ("SETNAME", 1...):
                guard let name = Self.clientName(arguments[index + 1]) else { return Self.invalidName }
                client.name = name
                index += 2
            default: return .error("ERR Syntax error in HELLO option '\(option)'")
            }
        }
        guard client.isAuthenticated else {
            return .error(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used"
                    + " to authenticate the client and select the RESP protocol version at the same time")
        }
        client.protocolVersion = protocolVersion
        return .map([
            .bulk("server"), .bulk("redis"), .bulk("version"), .bulk(self.version), .bulk("proto"), .integer(Int64(client.protocolVersion)),
            .bulk("id"), .integer(identifier), .bulk("mode"), .bulk("standalone"), .bulk("role"), .bulk("master"), .bulk("modules"), .array([]),
        ])
    }

    /// INFO, with the fields that the service reads.
    private func information(_ database: Int) -> String {
        var lines = ["# Server", "redis_version:\(self.version)", "run_id:\(self.runIdentifier)", "uptime_in_seconds:\(self.now / 1000)", ""]
        lines += ["# Clients", "connected_clients:\(self.clients.count)", "", "# Memory", "used_memory:1048576", "used_memory_human:1.00M"]
        lines += ["maxmemory:0", "maxmemory_policy:noeviction", "", "# Stats", "total_commands_processed:0", "keyspace_hits:0", "keyspace_misses:0"]
        lines += ["evicted_keys:0", "", "# Replication", "role:master", ""]
        return lines.joined(separator: "\r\n")
    }
}

/// `CLIENT`
extension InMemoryRedisServer {
    private static let invalidName = InMemoryRedisReply.error("ERR Client names cannot contain spaces, newlines or special characters.")

    private static func clientName(_ bytes: [UInt8]) -> String? {
        bytes.allSatisfy { (0x21...0x7E).contains($0) } ? String(decoding: bytes, as: UTF8.self) : nil
    }

    private static func subcommandError(_ arguments: [[UInt8]]) -> InMemoryRedisReply? {
        let name = String(decoding: arguments[0], as: UTF8.self)
        let isCountRight: Bool
        switch name.uppercased() {
        case "ID", "GETNAME": isCountRight = arguments.count == 1
        case "SETNAME": isCountRight = arguments.count == 2
        case "KILL": isCountRight = arguments.count >= 2
        case "LIST": isCountRight = true
        default: return .error("ERR unknown subcommand '\(name)'. Try CLIENT HELP.")
        }
        return isCountRight ? nil : self.wrongCount("client|\(name.lowercased())")
    }

    private mutating func client(
        _ arguments: [[UInt8]], _ identifier: Int64, _ client: inout Client, _ killed: (Int64) -> Void
    ) -> InMemoryRedisReply {
        switch String(decoding: arguments[0], as: UTF8.self).uppercased() {
        case "ID":
            return .integer(identifier)
        case "GETNAME":
            return client.name.isEmpty ? .null : .bulk(client.name)
        case "SETNAME":
            guard let name = Self.clientName(arguments[1]) else { return Self.invalidName }
            client.name = name
            return .ok
        case "LIST":
            return self.list(Array(arguments.dropFirst()), identifier, client)
        case "KILL" where arguments.count == 2:
            // An address: none of these clients has one.
            return .error("ERR No such client")
        case "KILL" where arguments[1] == Array("ID".utf8) && arguments.count <= 4:
            guard let victim = InMemoryRedisKeyspace.integer(arguments[2]), victim > 0 else {
                return .error("ERR client-id should be greater than 0")
            }
            guard arguments.count == 3 else { return .syntaxError }
            guard victim != identifier, self.clients.removeValue(forKey: victim) != nil else { return .integer(0) }
            killed(victim)
            return .integer(1)
        default:
            return .error("ERR the in-memory Redis does not implement this form of CLIENT")
        }
    }

    private func list(_ arguments: [[UInt8]], _ identifier: Int64, _ client: Client) -> InMemoryRedisReply {
        var clients = self.clients
        clients[identifier] = client
        if !arguments.isEmpty {
            guard arguments.count >= 2, arguments[0] == Array("ID".utf8) else { return .syntaxError }
            var wanted: Set<Int64> = []
            for argument in arguments.dropFirst() {
                guard let number = InMemoryRedisKeyspace.integer(argument) else { return .error("ERR Invalid client ID") }
                wanted.insert(number)
            }
            clients = clients.filter { wanted.contains($0.key) }
        }
        return .verbatim(
            clients.sorted { $0.key < $1.key }.map { "id=\($0.key) addr=127.0.0.1:0 name=\($0.value.name) db=\($0.value.database)\n" }.joined())
    }
}
