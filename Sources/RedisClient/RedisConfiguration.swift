package import NIOCore
package import RESP

/// How to reach one Redis and how much to ask of it. `validate()` checks every range.
package struct RedisConfiguration: Sendable, Hashable {
    package var endpoint: RedisEndpoint
    /// User of Redis's ACL; nil means `default`.
    package var user: String?
    package var password: RedisPassword?
    /// A file with the password, read anew for every connection; wins over `password`.
    package var passwordFile: String?
    /// Whether the password comes from a provider; it wins over both.
    package var hasPasswordProvider = false
    /// Encryption; nil for none. Not over a unix socket.
    package var tls: RedisTLS?
    /// Logical database, 0 or more; a cluster knows only 0.
    package var database: Int
    /// Shown by `CLIENT LIST`; nil sends no `CLIENT SETNAME`. Printable ASCII without space.
    package var clientName: String?
    /// Time for name resolution and the connection, and again for the handshake. 10 ms to 60 s.
    package var connectTimeout: TimeAmount
    /// Time from handing a command over to its reply. 1 ms to 60 s.
    package var commandDeadline: TimeAmount
    /// Silence, while a reply is owed, after which the connection counts as dead. 10 ms to 10 min.
    package var deadConnectionTimeout: TimeAmount
    /// How long a connection may be idle before a PING asks whether the peer is there. 10 ms to 10 min; Cloud Run drops connections that are idle for
    /// 10 minutes.
    package var keepAliveInterval: TimeAmount
    /// Commands that wait for a reply, abandoned ones included. 1 to 1,048,576.
    package var maximumPendingCommands: Int
    /// Bytes of commands not yet handed to the socket; a command above it is never accepted. 1 KiB to 1 GiB. The socket's own queue holds as much
    /// again at most.
    package var maximumBatchBytes: Int
    package var responseLimits: RESPLimits
    /// Deadline of each step of the control connection (SCAN, INFO). 1 ms to 60 s.
    package var controlDeadline: TimeAmount
    /// Idle time after which the control connection closes. 1 ms to 1 h.
    package var controlIdleTimeout: TimeAmount

    package init(
        endpoint: RedisEndpoint,
        user: String? = nil,
        password: RedisPassword? = nil,
        database: Int = 0,
        clientName: String? = "redis-caching-agent",
        connectTimeout: TimeAmount = .seconds(1),
        commandDeadline: TimeAmount = .milliseconds(30),
        deadConnectionTimeout: TimeAmount = .seconds(1),
        keepAliveInterval: TimeAmount = .seconds(30),
        maximumPendingCommands: Int = 16_384,
        maximumBatchBytes: Int = 16 * 1024 * 1024,
        responseLimits: RESPLimits = RESPLimits(),
        controlDeadline: TimeAmount = .seconds(5),
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

    /// The same Redis for the long calls: longer deadline, silence counts as death only when a step has failed, and there is room for the commands of
    /// a few steps whatever the bound of the hot path.
    var forControl: RedisConfiguration {
        var copy = self
        copy.commandDeadline = self.controlDeadline
        copy.deadConnectionTimeout = max(self.controlDeadline, self.deadConnectionTimeout)
        copy.maximumPendingCommands = max(8 * RedisControl.defaultBatch, self.maximumPendingCommands)
        return copy
    }
}
