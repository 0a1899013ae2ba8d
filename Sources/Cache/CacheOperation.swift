/// The kinds of operation that are counted.
package enum CacheOperation: Int, Sendable, CaseIterable {
    case set, get, delete, invalidate, stats

    /// The name in `GET /metrics`.
    package var name: String {
        switch self {
        case .set: "set"
        case .get: "get"
        case .delete: "delete"
        case .invalidate: "invalidate"
        case .stats: "stats"
        }
    }
}
