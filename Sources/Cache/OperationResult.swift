/// What came of an operation, as the metrics name it.
package enum OperationResult: Int, Sendable, CaseIterable {
    /// A read found a value.
    case hit
    /// A read or a deletion found none.
    case miss
    case stored, deleted
    /// A dry run of an invalidation, or the statistics: nothing was changed.
    case read
    /// The store said no: no room, no permission, no text.
    case refused
    /// An invalidation broke off.
    case incomplete

    /// The name in the metrics.
    package var name: String {
        switch self {
        case .hit: "hit"
        case .miss: "miss"
        case .stored: "stored"
        case .deleted: "deleted"
        case .read: "read"
        case .refused: "refused"
        case .incomplete: "incomplete"
        }
    }
}

extension CacheOperation {
    /// What can come of an operation of this kind.
    package var possibleResults: [OperationResult] {
        switch self {
        case .set: [.stored, .refused]
        case .get: [.hit, .miss, .refused]
        case .delete: [.deleted, .miss, .refused]
        case .invalidate: [.deleted, .read, .incomplete]
        case .stats: [.read]
        }
    }
}
