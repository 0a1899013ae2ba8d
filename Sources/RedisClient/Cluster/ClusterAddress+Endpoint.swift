extension ClusterAddress {
    /// Where to connect to.
    /// - Parameter asked: where the node was asked that has named this address; its host is meant if the address has none.
    /// - Returns: nil if the host is that of a unix socket.
    package func endpoint(askedAt asked: RedisEndpoint) -> RedisEndpoint? {
        if let host = self.host { return .tcp(host: host, port: self.port) }
        guard case .tcp(let host, _) = asked else { return nil }
        return .tcp(host: host, port: self.port)
    }
}
