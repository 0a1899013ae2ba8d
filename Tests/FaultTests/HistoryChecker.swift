/// Judges a recorded history of several clients at several instances over one Redis. A value.
///
/// Rules, each from the promise of docs/outages.md:
/// 1. *no stale read at the instance*: after a write, delete or invalidation was acknowledged by an instance, that instance answers no older value.
///    Older is what was written before in real time: through any instance, if that write reached Redis; through this one in any case.
/// 2. *no stale read anywhere after replay*: when every fault is over and every journal empty, the same over all instances.
/// 3. *no value beyond its deadline*, with a tolerance for what happens between client and Redis.
/// 4. *nothing lost* (`OUTAGE_WRITES=restore`, one instance): the last write of each key is there at the end.
/// 5. *nothing but the contract's statuses*.
struct HistoryChecker {
    struct Violation: Hashable, Sendable, CustomStringConvertible {
        let rule: String
        let event: HistoryEvent
        let because: HistoryEvent?

        var description: String { "\(self.rule): \(self.event)" + (self.because.map { "\n    because of \($0)" } ?? "") }
    }

    /// A set, as far as readers of its value care.
    private struct Write {
        let event: HistoryEvent
        let timeToLive: Int?
    }

    private let events: [HistoryEvent]
    private let writes: [Int: Write]
    private let toleranceMilliseconds: Double
    /// Changes of a key, by instance and over all.
    private var changes: [ChangeKey: LatestStart] = [:]

    private struct ChangeKey: Hashable {
        /// Nil for all.
        let instance: Int?
        let key: String
    }

    /// Acknowledged changes in the order of their end, with the one that began last among those up to each.
    private struct LatestStart {
        private var ends: [Double] = []
        private var latest: [HistoryEvent] = []

        init(_ events: [HistoryEvent]) {
            for event in events.sorted(by: { $0.end < $1.end }) {
                self.ends.append(event.end)
                let previous = self.latest.last
                self.latest.append(previous.map { $0.start > event.start ? $0 : event } ?? event)
            }
        }

        /// Of the changes that ended before `time` the one that began last.
        func before(_ time: Double) -> HistoryEvent? {
            var low = 0
            var high = self.ends.count
            while low < high {
                let middle = (low + high) / 2
                if self.ends[middle] < time { low = middle + 1 } else { high = middle }
            }
            return low > 0 ? self.latest[low - 1] : nil
        }
    }

    /// - Parameter toleranceMilliseconds: how much longer than its time to live a value may be seen.
    init(_ events: [HistoryEvent], toleranceMilliseconds: Double) {
        self.events = events
        self.toleranceMilliseconds = toleranceMilliseconds
        var writes: [Int: Write] = [:]
        var keys: Set<String> = []
        for event in events {
            switch event.operation {
            case .set(let key, let value, let timeToLive):
                writes[value] = Write(event: event, timeToLive: timeToLive)
                keys.insert(key)
            case .get(let key, _): keys.insert(key)
            case .delete, .invalidate: break
            }
        }
        self.writes = writes
        let changes = events.filter { if case .get = $0.operation { false } else { $0.isAcknowledged } }
        for key in keys {
            let ofKey = changes.filter { $0.changes(key) }
            self.changes[ChangeKey(instance: nil, key: key)] = LatestStart(ofKey)
            for (instance, ofInstance) in Dictionary(grouping: ofKey, by: \.instance) {
                self.changes[ChangeKey(instance: instance, key: key)] = LatestStart(ofInstance)
            }
        }
    }

    /// - Parameter quietSince: when every fault was over and every journal empty.
    func violations(quietSince: Double) -> [Violation] {
        self.events.compactMap { event in
            if let violation = self.statusViolation(event) { return violation }
            guard case .get(let key, let value?) = event.operation, event.status == 200 else { return nil }
            guard let write = self.writes[value], write.event.changes(key) else {
                return Violation(rule: "a value that nobody wrote to this key", event: event, because: nil)
            }
            return self.staleness(event, key, write, isQuiet: event.start >= quietSince) ?? self.overstay(event, write)
        }
    }

    private func statusViolation(_ event: HistoryEvent) -> Violation? {
        let allowed =
            switch event.operation {
            case .get(FaultClient.forbiddenKey, _), .delete(FaultClient.forbiddenKey), .set(FaultClient.forbiddenKey, _, _): [200, 403, 404]
            case .get, .delete: [200, 404]
            case .set: [200]
            case .invalidate: [200, 503]
            }
        return allowed.contains(event.status) ? nil : Violation(rule: "a status that the contract does not have", event: event, because: nil)
    }

    private func staleness(_ read: HistoryEvent, _ key: String, _ write: Write, isQuiet: Bool) -> Violation? {
        let isOurs = write.event.instance == read.instance
        guard isQuiet || isOurs || !write.event.isDegraded else { return nil }
        let change = self.changes[ChangeKey(instance: isQuiet ? nil : read.instance, key: key)]?.before(read.start)
        guard let change, change.start > write.event.end else { return nil }
        return Violation(rule: isQuiet ? "a stale value after replay" : "a stale value", event: read, because: change)
    }

    /// What was written to the memory of another instance may reach Redis late, and live its time there, until that instance has replayed.
    private func overstay(_ read: HistoryEvent, _ write: Write) -> Violation? {
        guard let timeToLive = write.timeToLive, write.event.instance == read.instance || !write.event.isDegraded else { return nil }
        guard read.start > write.event.end + Double(timeToLive) * 1000 + self.toleranceMilliseconds else { return nil }
        return Violation(rule: "a value beyond its deadline", event: read, because: write.event)
    }

    /// - Parameters:
    ///   - lastEmptyStart: when Redis last lost all its data; nil if it never did.
    ///   - final: what each key was at the end.
    func losses(lastEmptyStart: Double?, final: [String: Int?]) -> [Violation] {
        final.compactMap { key, found in
            let changes = self.events.filter { $0.changes(key) }
            guard let last = changes.max(by: { $0.start < $1.start }), case .set(_, let value, nil) = last.operation, last.isAcknowledged,
                changes.allSatisfy({ $0 == last || $0.end < last.start }), last.start > lastEmptyStart ?? -1, found != value
            else { return nil }
            return Violation(rule: "an acknowledged write is lost, found \(found.map(String.init) ?? "nothing")", event: last, because: nil)
        }
    }
}
