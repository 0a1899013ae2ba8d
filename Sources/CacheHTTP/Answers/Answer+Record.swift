import Cache

extension Answer {
    /// Counts the answer to an operation on a key.
    func record(_ operation: CacheOperation, nanoseconds: Int, in counters: OperationCounters) {
        counters.record(operation, nanoseconds: nanoseconds)
        if operation == .get, self.status == .ok || self.status == .notFound { counters.recordLookup(hit: self.status == .ok) }
        if self.isDegraded { counters.recordDegraded() }
        if self.status.rawValue >= 500 { counters.recordError() }
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
}
