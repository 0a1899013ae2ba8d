/// Which of the two ways answered a request, as the metrics name it.
enum RequestHandlerKind: Int, Sendable, CaseIterable {
    case fastLane, router

    var name: String {
        switch self {
        case .fastLane: "fast_lane"
        case .router: "router"
        }
    }
}
