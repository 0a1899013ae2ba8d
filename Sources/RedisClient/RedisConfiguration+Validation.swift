import NIOCore

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
        if case .tcp(let host, let port) = self.endpoint {
            guard !host.isEmpty else {
                throw RedisConfigurationError(.invalidHost, "The Redis host is empty.")
            }
            try Self.check("port", port, in: 1...65_535)
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
