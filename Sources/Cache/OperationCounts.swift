/// A reading of the operation counters of one event loop, or the sum of several.
package struct OperationCounts: Sendable {
    /// How often an operation ran and how long it took in all.
    package struct Total: Sendable {
        package var operations = 0
        package var nanoseconds = 0

        /// Mean time of one operation in milliseconds; 0 when there was none.
        package var meanMilliseconds: Double {
            self.operations == 0 ? 0 : Double(self.nanoseconds) / Double(self.operations) / 1e6
        }
    }

    private var totals = [Total](repeating: Total(), count: CacheOperation.allCases.count)
    package var hits = 0
    package var misses = 0
    package var errors = 0
    package var laneRequests = 0
    package var routerRequests = 0
    package var degradedAnswers = 0
    package var openConnections = 0

    package init() {}

    /// The total of one kind of operation.
    package subscript(operation: CacheOperation) -> Total { self.totals[operation.rawValue] }

    /// Adds a total of one kind.
    package mutating func add(_ operation: CacheOperation, _ total: Total) {
        self.totals[operation.rawValue].operations += total.operations
        self.totals[operation.rawValue].nanoseconds += total.nanoseconds
    }

    /// Adds another reading.
    package mutating func add(_ other: OperationCounts) {
        for operation in CacheOperation.allCases { self.add(operation, other[operation]) }
        self.hits += other.hits
        self.misses += other.misses
        self.errors += other.errors
        self.laneRequests += other.laneRequests
        self.routerRequests += other.routerRequests
        self.degradedAnswers += other.degradedAnswers
        self.openConnections += other.openConnections
    }
}
