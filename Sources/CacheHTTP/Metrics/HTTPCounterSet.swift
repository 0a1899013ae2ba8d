/// The HTTP counters of the whole process: one for each event loop, one for the router.
struct HTTPCounterSet: Sendable {
    let eventLoops: [HTTPCounters]
    let router: HTTPCounters

    /// The sum of all.
    var counts: HTTPCounts {
        var counts = self.router.snapshot
        for counters in self.eventLoops { counts.add(counters.snapshot) }
        return counts
    }
}
