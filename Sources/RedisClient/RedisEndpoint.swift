/// Where Redis listens.
package enum RedisEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// A host name, resolved anew at every attempt, or a literal IPv4 or IPv6 address without brackets.
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
