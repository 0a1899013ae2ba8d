/// The connections of one event loop.
struct ConnectionTable {
    private var lanes: [FastLane] = []
    private var random = SystemRandomNumberGenerator()

    /// How many connections are looked at to find a slow one. Where all places are held by slow clients the first will do; a table in order of age would cost
    /// every request.
    private static let sampleCount = 16
    /// For how long a client may owe a request, or not read its answers, before its place is given to another, in nanoseconds.
    static let patience = 1_000_000_000

    /// O(1).
    mutating func insert(_ lane: FastLane) {
        lane.tableIndex = self.lanes.count
        self.lanes.append(lane)
    }

    /// O(1).
    mutating func remove(_ lane: FastLane) {
        // The last takes its place.
        let last = self.lanes.removeLast()
        guard last !== lane else { return }
        self.lanes[lane.tableIndex] = last
        last.tableIndex = lane.tableIndex
    }

    /// Of some connections that have places the one that has owed a request for longest, where that is too long.
    mutating func slowest(now: Int) -> FastLane? {
        var slowest: (lane: FastLane, since: Int)?
        for _ in 0..<Self.sampleCount {
            guard let lane = self.lanes.randomElement(using: &self.random), !lane.isExcess, let since = lane.lifetime.owesSince else { continue }
            if now - since > Self.patience, since < slowest?.since ?? .max { slowest = (lane, since) }
        }
        return slowest?.lane
    }
}
