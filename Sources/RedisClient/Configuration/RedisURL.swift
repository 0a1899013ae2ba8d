import Bytes

/// Reads a configuration from a URL:
///
///     redis://[user[:password]@]host[:port][/database]     redis://:password@host     redis://[::1]:6379/2
///     redis://[user:password@]host[:port],host[:port],...
///     unix:/path[?db=2]     unix:///path[?db=2]
///
/// Several addresses are nodes of one cluster, with the same user and password. In a path, a comma is a part of it. User and password are percent-decoded. `rediss://` is the same as `redis://`, over TLS. No error quotes any part of the URL, because if the URL is
/// malformed, any part may contain the secret. Grammar: RFC 3986; the scheme is IANA's provisional registration of `redis`.
package enum RedisURL {
    /// Addresses in one URL; more are a mistake, since one node that answers is enough.
    package static let maximumSeeds = 32

    /// - Throws: `RedisConfigurationError` that says which part is wrong and what is expected.
    package static func parse(_ text: String) throws(RedisConfigurationError) -> RedisConfiguration {
        guard let colon = text.firstIndex(of: ":") else {
            throw RedisConfigurationError(.unsupportedScheme, "The Redis URL has no scheme; it must begin with redis://, rediss:// or unix:.")
        }
        let rest = text[text.index(after: colon)...]
        switch text[..<colon].lowercased() {
        case "redis":
            guard rest.hasPrefix("//") else {
                throw RedisConfigurationError(.invalidHost, "The Redis URL must begin with redis://.")
            }
            return try self.network(rest.dropFirst(2))
        case "rediss":
            guard rest.hasPrefix("//") else {
                throw RedisConfigurationError(.invalidHost, "The Redis URL must begin with rediss://.")
            }
            var configuration = try self.network(rest.dropFirst(2))
            configuration.tls = RedisTLS()
            return configuration
        case "unix":
            return try self.unixSocket(rest)
        default:
            throw RedisConfigurationError(.unsupportedScheme, "The Redis URL must begin with redis://, rediss:// or unix:.")
        }
    }

    private static func network(_ text: Substring) throws(RedisConfigurationError) -> RedisConfiguration {
        guard !text.contains(where: { $0 == "?" || $0 == "#" }) else {
            throw RedisConfigurationError(
                .invalidQuery,
                "The Redis URL may have no query or fragment; ? and # in a user or password must be percent-encoded."
            )
        }
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        let authority = text[..<slash]
        // The last one, so that an unencoded @ in a password does not turn a part of the secret into a host name.
        let at = authority.lastIndex(of: "@")
        let hosts = at.map { authority[authority.index(after: $0)...] } ?? authority
        let seeds = hosts.split(separator: ",", maxSplits: Self.maximumSeeds, omittingEmptySubsequences: false)
        guard seeds.count <= Self.maximumSeeds else {
            throw RedisConfigurationError(.invalidHost, "The Redis URL names more than \(Self.maximumSeeds) addresses.")
        }
        var configuration = RedisConfiguration(endpoint: try self.endpoint(seeds[0]))
        for seed in seeds.dropFirst() { configuration.furtherSeeds.append(try self.endpoint(seed)) }
        if let at {
            try self.readUserInfo(authority[..<at], into: &configuration)
        }
        configuration.database = try self.database(text[slash...].dropFirst())
        return configuration
    }

    private static func readUserInfo(_ text: Substring, into configuration: inout RedisConfiguration) throws(RedisConfigurationError) {
        let colon = text.firstIndex(of: ":")
        let user = try self.percentDecoded(text[..<(colon ?? text.endIndex)])
        let password = try colon.map { (index) throws(RedisConfigurationError) in try self.percentDecoded(text[text.index(after: index)...]) }
        guard let password, !password.isEmpty else {
            guard user.isEmpty else {
                throw RedisConfigurationError(
                    .invalidUserInfo,
                    "The Redis URL names a user without a password; a password alone is written :password@."
                )
            }
            return
        }
        if !user.isEmpty {
            guard let name = String(validating: user, as: UTF8.self) else {
                throw RedisConfigurationError(.invalidUserInfo, "The user of the Redis URL is not UTF-8.")
            }
            configuration.user = name
        }
        configuration.password = RedisPassword(bytes: password)
    }

    private static func endpoint(_ text: Substring) throws(RedisConfigurationError) -> RedisEndpoint {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw RedisConfigurationError(.invalidHost, "The IPv6 address of the Redis URL has no closing bracket.")
            }
            let host = text[text.index(after: text.startIndex)..<end]
            let isAddress =
                host.contains(":") && host.utf8.allSatisfy { Hexadecimal.value(of: $0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
            guard isAddress else {
                throw RedisConfigurationError(.invalidHost, "The host of the Redis URL is in brackets but is no IPv6 address.")
            }
            return .tcp(host: String(host), port: try self.port(text[text.index(after: end)...]))
        }
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        let host = text[..<colon]
        guard !host.isEmpty, host.utf8.allSatisfy(self.isHostByte) else {
            throw RedisConfigurationError(.invalidHost, "The host of the Redis URL is empty or has a character that no host name has.")
        }
        return .tcp(host: String(host), port: try self.port(text[colon...]))
    }

    /// - Parameter text: what follows the host: nothing, or a colon and digits.
    private static func port(_ text: Substring) throws(RedisConfigurationError) -> Int {
        guard !text.isEmpty else {
            return RedisEndpoint.defaultPort
        }
        let digits = text.dropFirst()
        guard text.first == ":", let port = self.number(digits), (1...65_535).contains(port) else {
            throw RedisConfigurationError(.invalidPort, "The port of the Redis URL must be a number from 1 to 65535.")
        }
        return port
    }

    private static func database(_ text: Substring) throws(RedisConfigurationError) -> Int {
        guard !text.isEmpty else {
            return 0
        }
        guard let database = self.number(text) else {
            throw RedisConfigurationError(.invalidDatabase, "The database of the Redis URL must be a number: redis://host/2 or unix:/path?db=2.")
        }
        return database
    }

    private static func unixSocket(_ text: Substring) throws(RedisConfigurationError) -> RedisConfiguration {
        let question = text.firstIndex(of: "?") ?? text.endIndex
        var path = text[..<question]
        if path.hasPrefix("//") {
            path = path.dropFirst(2)
        }
        // The kernel's sockaddr_un holds 107 bytes and a zero.
        guard path.hasPrefix("/"), path.utf8.count <= 107, !path.utf8.contains(0) else {
            throw RedisConfigurationError(
                .invalidPath,
                "The Redis URL must name an absolute path of at most 107 bytes: unix:/path or unix:///path."
            )
        }
        var configuration = RedisConfiguration(endpoint: .unixSocket(path: String(path)))
        let query = text[question...].dropFirst()
        if !query.isEmpty {
            guard query.hasPrefix("db=") else {
                throw RedisConfigurationError(.invalidQuery, "The only query of a unix: Redis URL is ?db=number.")
            }
            configuration.database = try self.database(query.dropFirst(3))
        }
        return configuration
    }

    private static func number(_ text: Substring) -> Int? {
        let isDigits = !text.isEmpty && text.utf8.count <= 9 && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isDigits ? Int(text) : nil
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default:
            false
        }
    }

    private static func percentDecoded(_ text: Substring) throws(RedisConfigurationError) -> [UInt8] {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap(Hexadecimal.value(of:)), let low = iterator.next().flatMap(Hexadecimal.value(of:)) else {
                throw RedisConfigurationError(
                    .invalidUserInfo,
                    "The user or password of the Redis URL has a % that is not followed by two hexadecimal digits; write %25 for a percent sign."
                )
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
