/// Events in the order of their effect, with the one that began last among those up to each. A search is O(log n).
struct LatestStart<Event> {
    private var effects: [Double] = []
    private var latest: [(event: Event, start: Double)] = []

    /// - Parameter events: each with when it began, and when what it brings about is true at the latest.
    init(_ events: [(event: Event, start: Double, effect: Double)]) {
        for (event, start, effect) in events.sorted(by: { $0.effect < $1.effect }) {
            self.effects.append(effect)
            if let previous = self.latest.last, previous.start > start {
                self.latest.append(previous)
            } else {
                self.latest.append((event, start))
            }
        }
    }

    /// Of the events that were true before `time` the one that began last.
    func before(_ time: Double) -> Event? {
        var low = 0
        var high = self.effects.count
        while low < high {
            let middle = (low + high) / 2
            if self.effects[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? self.latest[low - 1].event : nil
    }
}
