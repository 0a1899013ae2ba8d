import Cache

extension Answer {
    /// Counts the answer to an operation of the cache.
    func record(_ operation: CacheOperation, nanoseconds: Int, in counters: OperationCounters) {
        counters.record(operation, self.source ?? .redis, self.result, nanoseconds: nanoseconds)
    }

    /// What came of the operation. An answer without a cache status is that of the statistics, or of an invalidation that broke off.
    private var result: OperationResult {
        switch self.cacheStatus?.outcome {
        case .hit: .hit
        case .miss: .miss
        case .stored: .stored
        case .deleted: .deleted
        case .read: .read
        case .refused: .refused
        case nil: self.status == .ok ? .read : .incomplete
        }
    }
}

extension RequestMethod {
    /// The operation on a key that the method stands for.
    var operation: CacheOperation {
        switch self {
        case .get, .other: .get
        case .post: .set
        case .delete: .delete
        }
    }

    /// The method's name.
    var name: String {
        switch self {
        case .get: "GET"
        case .post: "POST"
        case .delete: "DELETE"
        case .other: "OTHER"
        }
    }
}
