/// The bounds at which requests or connections are refused, as the metrics name them.
enum LimitKind: Int, Sendable, CaseIterable {
    case connections, connectionsOfPeer, requestsInFlight, invalidations, rate
    /// Not refused but ended, to make room for another: see `ConnectionTable`.
    case connectionsEvicted

    var name: String {
        switch self {
        case .connections: "connections"
        case .connectionsOfPeer: "connections_of_peer"
        case .requestsInFlight: "requests_in_flight"
        case .invalidations: "invalidations"
        case .rate: "rate"
        case .connectionsEvicted: "connections_evicted"
        }
    }
}
