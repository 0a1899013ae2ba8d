/// What is known of the faults of a trial of leases, besides what clients saw. Times are those of the history.
struct LeaseCourse: Sendable {
    /// When Redis was ended.
    var restarts: [Double] = []
    /// For each instance, when it was asked and said that it has Redis and nothing to replay any more. In their order.
    var settled: [[ClosedRange<Double>]] = [[], []]

    /// When the instance had replayed what it has seen by `time`, at the latest; infinite if that is not known.
    func settled(_ instance: Int, after time: Double) -> Double {
        self.settled[instance].first { $0.lowerBound > time }?.upperBound ?? .infinity
    }

    /// When all instances had.
    func settled(after time: Double) -> Double {
        self.settled.indices.map { self.settled($0, after: time) }.max() ?? time
    }

    /// When Redis has the change for sure: what was acknowledged without Redis, it has after the replay.
    func effect(_ change: LeaseEvent) -> Double {
        change.isOfRedis ? change.end : self.settled(change.instance, after: change.end)
    }
}
