/// The bounds at which requests or connections are refused, as the metrics name them.
enum LimitKind: Int, Sendable, CaseIterable {
    case connections, connectionsOfPeer, requestsInFlight, invalidations, rate, unsentBytes, receivedBytes, probes
    /// Not refused but ended, to make room for another: see `ConnectionTable`.
    case connectionsEvicted
    /// The same, because their clients did not read while `unsentBytes` was reached.
    case unreadConnections

    var name: String {
        switch self {
        case .connections: "connections"
        case .connectionsOfPeer: "connections_of_peer"
        case .requestsInFlight: "requests_in_flight"
        case .invalidations: "invalidations"
        case .rate: "rate"
        case .unsentBytes: "unsent_bytes"
        case .receivedBytes: "received_bytes"
        case .probes: "probes"
        case .connectionsEvicted: "connections_evicted"
        case .unreadConnections: "unread_connections_closed"
        }
    }
}
