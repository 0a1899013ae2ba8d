package import NIOCore
package import RESP

/// How to reach Redis, and the limits of a connection to it. `validate()` checks every range.
package struct RedisConfiguration: Sendable, Hashable {
    /// The defaults of what the service's settings can change; docs/settings.md lists them.
    package enum Default {
        package static let connectTimeout = TimeAmount.seconds(1)
        package static let commandDeadline = TimeAmount.milliseconds(30)
        package static let deadConnectionTimeout = TimeAmount.seconds(1)
        package static let keepAliveInterval = TimeAmount.seconds(30)
        package static let maximumPendingCommands = 16_384
        package static let controlDeadline = TimeAmount.seconds(1)
        package static let database = 0
        package static let clusterMode = RedisClusterMode.auto
        package static let maximumShards = 128
    }

    /// Where Redis is; of a cluster, the first node that is asked.
    package var endpoint: RedisEndpoint
    /// Further nodes of a cluster to ask who owns what, if the first does not answer.
    package var furtherSeeds: [RedisEndpoint] = []
    package var clusterMode = Default.clusterMode
    /// Of a cluster, the most owners of slots that are served. 1 to 1,000.
    package var maximumShards = Default.maximumShards
    /// User of Redis's ACL; nil means `default`.
    package var user: String?
    package var password: RedisPassword?
    /// A file with the password, read again for every connection; takes precedence over `password`.
    package var passwordFile: String?
    /// Whether the password comes from a provider, which takes precedence over both.
    package var hasPasswordProvider = false
    /// TLS; nil for none. Not used over a unix socket.
    package var tls: RedisTLS?
    /// Logical database, 0 or more; a cluster has only 0.
    package var database: Int
    /// Shown by `CLIENT LIST`; if nil, `CLIENT SETNAME` is not sent. Printable ASCII without spaces.
    package var clientName: String?
    /// Whether Redis is asked to say when what was read with `trackedGet` has changed; optional for the server.
    package var tracksReads = false
    /// Time limit for name resolution and connecting, and again for the handshake. 10 ms to 60 s.
    package var connectTimeout: TimeAmount
    /// Time limit from sending a command to its reply. 1 ms to 60 s.
    package var commandDeadline: TimeAmount
    /// Time without any bytes, while a reply is pending, after which the connection counts as dead. 10 ms to 10 min.
    package var deadConnectionTimeout: TimeAmount
    /// Idle time after which a PING checks the connection. 10 ms to 10 min; Cloud Run drops connections that are idle for 10 minutes.
    package var keepAliveInterval: TimeAmount
    /// Maximum number of pending commands, including abandoned ones. 1 to 1,048,576.
    package var maximumPendingCommands: Int
    /// Maximum size of the commands that are not yet handed to the socket; a larger command is never accepted. 1 KiB to 1 GiB. The socket's own queue
    /// holds at most as much again.
    package var maximumBatchBytes: Int
    package var responseLimits: RESPLimits
    /// Time limit for each step of the control connection (SCAN, INFO). 1 ms to 60 s.
    package var controlDeadline: TimeAmount
    /// Idle time after which the control connection closes. 1 ms to 1 h.
    package var controlIdleTimeout: TimeAmount

    package init(
        endpoint: RedisEndpoint,
        user: String? = nil,
        password: RedisPassword? = nil,
        database: Int = Default.database,
        clientName: String? = "redis-caching-agent",
        connectTimeout: TimeAmount = Default.connectTimeout,
        commandDeadline: TimeAmount = Default.commandDeadline,
        deadConnectionTimeout: TimeAmount = Default.deadConnectionTimeout,
        keepAliveInterval: TimeAmount = Default.keepAliveInterval,
        maximumPendingCommands: Int = Default.maximumPendingCommands,
        maximumBatchBytes: Int = 16 * 1024 * 1024,
        responseLimits: RESPLimits = RESPLimits(),
        controlDeadline: TimeAmount = Default.controlDeadline,
        controlIdleTimeout: TimeAmount = .seconds(60)
    ) {
        self.endpoint = endpoint
        self.user = user
        self.password = password
        self.database = database
        self.clientName = clientName
        self.connectTimeout = connectTimeout
        self.commandDeadline = commandDeadline
        self.deadConnectionTimeout = deadConnectionTimeout
        self.keepAliveInterval = keepAliveInterval
        self.maximumPendingCommands = maximumPendingCommands
        self.maximumBatchBytes = maximumBatchBytes
        self.responseLimits = responseLimits
        self.controlDeadline = controlDeadline
        self.controlIdleTimeout = controlIdleTimeout
    }

    /// Everywhere that the settings name.
    package var seeds: [RedisEndpoint] { [self.endpoint] + self.furtherSeeds }

    /// The same Redis for long calls: with the deadline of the control connection, which does not count as dead before a step has failed, and with
    /// room for the commands of a few steps whatever the limit of the hot path.
    var forControl: RedisConfiguration {
        var copy = self
        copy.tracksReads = false
        copy.commandDeadline = self.controlDeadline
        copy.deadConnectionTimeout = max(self.controlDeadline, self.deadConnectionTimeout)
        copy.maximumPendingCommands = max(8 * RedisControl.defaultBatch, self.maximumPendingCommands)
        return copy
    }
}

extension RedisConfiguration {
    /// Checks every setting against its documented range.
    package func validate() throws(RedisConfigurationError) {
        try Self.check("command deadline", self.commandDeadline, in: .milliseconds(1) ... .seconds(60))
        try Self.check("control deadline", self.controlDeadline, in: .milliseconds(1) ... .seconds(60))
        try Self.check("connect timeout", self.connectTimeout, in: .milliseconds(10) ... .seconds(60))
        try Self.check("dead connection timeout", self.deadConnectionTimeout, in: .milliseconds(10) ... .minutes(10))
        try Self.check("keep-alive interval", self.keepAliveInterval, in: .milliseconds(10) ... .minutes(10))
        try Self.check("control idle timeout", self.controlIdleTimeout, in: .milliseconds(1) ... .hours(1))
        try Self.check("maximum of pending commands", self.maximumPendingCommands, in: 1...1_048_576)
        try Self.check("maximum of batch bytes", self.maximumBatchBytes, in: 1024...1_073_741_824)
        guard self.database >= 0 else {
            throw RedisConfigurationError(.invalidDatabase, "The Redis database is negative.")
        }
        try Self.check("maximum of shards", self.maximumShards, in: 1...1000)
        for case .tcp(let host, let port) in self.seeds {
            guard !host.isEmpty else {
                throw RedisConfigurationError(.invalidHost, "The Redis host is empty.")
            }
            try Self.check("port", port, in: 1...65_535)
        }
        // With `auto` and one address, whether it is a cluster is not known yet: then the server refuses the database.
        if self.clusterMode == .off, !self.furtherSeeds.isEmpty {
            throw RedisConfigurationError(.invalidCluster, "Several addresses of Redis are those of a cluster.")
        }
        if self.clusterMode == .on || !self.furtherSeeds.isEmpty, self.database != 0 {
            throw RedisConfigurationError(.invalidCluster, "A Redis cluster has database 0 only.")
        }
        if let name = self.clientName, !name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            throw RedisConfigurationError(.outOfRange, "The Redis client name may only have printable ASCII characters without space.")
        }
        if self.user != nil, self.password == nil, self.passwordFile == nil, !self.hasPasswordProvider {
            throw RedisConfigurationError(.invalidUserInfo, "A Redis user is set without a password.")
        }
    }

    private static func check(_ name: String, _ value: TimeAmount, in range: ClosedRange<TimeAmount>) throws(RedisConfigurationError) {
        guard range.contains(value) else {
            let lower = range.lowerBound.nanoseconds / 1_000_000
            let upper = range.upperBound.nanoseconds / 1_000_000
            throw RedisConfigurationError(.outOfRange, "The Redis \(name) must be between \(lower) ms and \(upper) ms.")
        }
    }

    private static func check(_ name: String, _ value: Int, in range: ClosedRange<Int>) throws(RedisConfigurationError) {
        guard range.contains(value) else {
            throw RedisConfigurationError(.outOfRange, "The Redis \(name) must be between \(range.lowerBound) and \(range.upperBound).")
        }
    }
}

/// Whether Redis is a cluster.
package enum RedisClusterMode: String, Sendable, Hashable, CaseIterable {
    /// As the server says in the handshake.
    case auto
    case on
    /// Never, even if the server is a node of one.
    case off
}

/// Where Redis listens.
package enum RedisEndpoint: Sendable, Hashable, CustomStringConvertible {
    package static let defaultPort = 6379

    /// A host name, resolved again for every attempt, or a literal IPv4 or IPv6 address without brackets.
    case tcp(host: String, port: Int)
    /// A path in the file system.
    case unixSocket(path: String)

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unixSocket(let path): "unix:\(path)"
        }
    }
}

/// An invalid setting. The message names the setting and the allowed values; it never quotes a URL or a secret.
package struct RedisConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of error; opaque, so that a new code breaks no switch.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Base: String {
            case unsupportedScheme
            case invalidUserInfo
            case invalidHost
            case invalidPort
            case invalidPath
            case invalidDatabase
            case invalidQuery
            case invalidCluster
            case outOfRange
        }

        private let base: Base

        private init(_ base: Base) {
            self.base = base
        }

        package static let unsupportedScheme = Code(.unsupportedScheme)
        package static let invalidUserInfo = Code(.invalidUserInfo)
        package static let invalidHost = Code(.invalidHost)
        package static let invalidPort = Code(.invalidPort)
        package static let invalidPath = Code(.invalidPath)
        package static let invalidDatabase = Code(.invalidDatabase)
        package static let invalidQuery = Code(.invalidQuery)
        package static let invalidCluster = Code(.invalidCluster)
        package static let outOfRange = Code(.outOfRange)

        package var description: String { self.base.rawValue }
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { self.message }
}
