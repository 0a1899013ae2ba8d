/// Judges a recorded history of several clients at several instances over one Redis. A value.
///
/// Rules, each from the promise of docs/outages.md:
/// 1. *no stale read at the instance*: after a write, delete or invalidation was acknowledged by an instance, that instance answers no older value.
///    Older is what was written before in real time: through any instance, if that write reached Redis; through this one in any case.
/// 2. *no stale read anywhere after replay*: when every fault is over and every journal empty, the same over all instances.
/// 3. *no value beyond its deadline*, with a tolerance for what happens between client and Redis.
/// 4. *nothing lost* (`OUTAGE_WRITES=restore`, one instance): the last write of each key is there at the end, unless another client wrote it meanwhile.
/// 5. *nothing but the contract's statuses*.
/// 6. *what others write is seen*: an answer that is not marked degraded is not older than what Redis has acknowledged to another instance, or to a
///    client of its own, longer ago than the bound. An answer that Redis itself was asked for has no bound.
/// 7. *no absence that has ended*: no copy says that a key has no value, longer than the bound after it got one, if nothing can have removed it.
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
    private let stalenessMilliseconds: Double
    private let restoresWrites: Bool
    /// Changes of a key, by instance and over all.
    private var changes: [ChangeKey: LatestStart<HistoryEvent>] = [:]
    /// Changes of a key that Redis itself has acknowledged.
    private var redisChanges: [String: LatestStart<HistoryEvent>] = [:]
    private var courses: [String: Course] = [:]

    private struct ChangeKey: Hashable {
        /// Nil for all.
        let instance: Int?
        let key: String
    }

    /// What was done to a key, up to the first change of which it is not known whether and when Redis carries it out.
    private struct Course {
        /// In the order of their start.
        private var changes: [HistoryEvent] = []
        /// For each, when everything before it was true at the latest.
        private var effects: [Double] = []
        /// When the first unknown change began.
        private var end = Double.infinity

        init(_ attempts: [HistoryEvent]) {
            var latest = -Double.infinity
            for event in attempts.sorted(by: { $0.start < $1.start }) {
                guard event.isAcknowledged, !event.isDegraded else {
                    self.end = event.start
                    return
                }
                self.changes.append(event)
                self.effects.append(latest)
                latest = max(latest, event.effect)
            }
        }

        /// The write that the key cannot have lost when the read was answered; nil if there is none.
        func lastingWrite(_ read: HistoryEvent) -> HistoryEvent? {
            guard read.end < self.end, let index = self.changes.lastIndex(where: { $0.start <= read.end }) else { return nil }
            let last = self.changes[index]
            guard case .set(_, _, nil) = last.operation, self.effects[index] < last.start else { return nil }
            return last
        }
    }

    /// - Parameters:
    ///   - toleranceMilliseconds: how much longer than its time to live a value may be seen.
    ///   - stalenessMilliseconds: how long what others have written may not be seen.
    ///   - restoresWrites: whether a replay writes to Redis what was written in an outage, after whatever others have written since.
    init(_ events: [HistoryEvent], toleranceMilliseconds: Double, stalenessMilliseconds: Double = .infinity, restoresWrites: Bool = false) {
        self.events = events
        self.toleranceMilliseconds = toleranceMilliseconds
        self.stalenessMilliseconds = stalenessMilliseconds
        self.restoresWrites = restoresWrites
        var writes: [Int: Write] = [:]
        var keys: Set<String> = []
        for event in events {
            switch event.operation {
            case .set(let key, let value, let timeToLive):
                writes[value] = Write(event: event, timeToLive: timeToLive)
                keys.insert(key)
            case .get(let key, _): keys.insert(key)
            case .delete, .invalidate, .expire: break
            }
        }
        self.writes = writes
        for key in keys {
            let attempts = events.filter { $0.changes(key) }
            let ofKey = attempts.filter { $0.isAcknowledged && !Self.isPutOff($0, attempts) }
            self.changes[ChangeKey(instance: nil, key: key)] = Self.latest(ofKey)
            self.redisChanges[key] = Self.latest(ofKey.filter { !$0.isDegraded })
            self.courses[key] = Course(attempts)
            for (instance, ofInstance) in Dictionary(grouping: ofKey, by: \.instance) {
                self.changes[ChangeKey(instance: instance, key: key)] = Self.latest(ofInstance)
            }
        }
    }

    private static func latest(_ events: [HistoryEvent]) -> LatestStart<HistoryEvent> { LatestStart(events.map { ($0, $0.start, $0.effect) }) }

    /// Whether another end of the key may have taken the place of this one before it came.
    private static func isPutOff(_ event: HistoryEvent, _ attempts: [HistoryEvent]) -> Bool {
        guard case .expire = event.operation else { return false }
        return attempts.contains { other in
            guard case .expire = other.operation, other != event else { return false }
            return other.start <= event.effect && other.end >= event.start
        }
    }

    /// - Parameters:
    ///   - quietSince: when every fault was over and every journal empty.
    ///   - firstRestart: when Redis was first ended; what is known to be there is known until then.
    func violations(quietSince: Double, firstRestart: Double = .infinity) -> [Violation] {
        self.events.compactMap { event in
            if let violation = self.statusViolation(event) { return violation }
            if case .get(let key, nil) = event.operation, event.status == 404, event.isCopy, event.end < firstRestart {
                return self.endedAbsence(event, key)
            }
            guard case .get(let key, let value?) = event.operation, event.status == 200 else { return nil }
            guard let write = self.writes[value], write.event.changes(key) else {
                return Violation(rule: "a value that nobody wrote to this key", event: event, because: nil)
            }
            return self.staleness(event, key, write, quietSince: quietSince) ?? self.delay(event, key, write)
                ?? self.overstay(event, write)
        }
    }

    /// What was done to the key of a violation from the write that was read until the read, in the order of their start.
    func course(of violation: Violation) -> [HistoryEvent] {
        guard case .get(let key, let value) = violation.event.operation else { return [] }
        let start = (value.flatMap { self.writes[$0]?.event.start } ?? violation.because?.start ?? violation.event.start) - 50
        return self.events.filter { event in
            guard event.end >= start, event.start <= violation.event.end else { return false }
            if case .get(key, _) = event.operation { return true }
            return event.changes(key)
        }.sorted { $0.start < $1.start }
    }

    private func statusViolation(_ event: HistoryEvent) -> Violation? {
        guard event.instance != HistoryEvent.foreign else { return nil }
        let allowed =
            switch event.operation {
            case .get(FaultClient.forbiddenKey, _), .delete(FaultClient.forbiddenKey), .set(FaultClient.forbiddenKey, _, _): [200, 403, 404]
            case .get, .delete: [200, 404]
            case .set, .expire: [200]
            case .invalidate: [200, 503]
            }
        return allowed.contains(event.status) ? nil : Violation(rule: "a status that the contract does not have", event: event, because: nil)
    }

    private func staleness(_ read: HistoryEvent, _ key: String, _ write: Write, quietSince: Double) -> Violation? {
        let isOurs = write.event.instance == read.instance
        // What others wrote before it became quiet, a copy may not know for a while, nor an answer that says so; and a value of an outage may have
        // been restored after it.
        let isKnown = (read.isCopy ? self.horizon(read) : read.start) >= quietSince
        let isQuiet = isKnown && !read.isDegraded && !(self.restoresWrites && write.event.isDegraded)
        guard isQuiet || isOurs || !write.event.isDegraded else { return nil }
        let change = self.changes[ChangeKey(instance: isQuiet ? nil : read.instance, key: key)]?.before(read.start)
        guard let change, change.start > write.event.end else { return nil }
        return Violation(rule: isQuiet ? "a stale value after replay" : "a stale value", event: read, because: change)
    }

    /// What is marked degraded may be old, and what was written without Redis may reach it late.
    private func delay(_ read: HistoryEvent, _ key: String, _ write: Write) -> Violation? {
        guard !read.isDegraded, !write.event.isDegraded else { return nil }
        guard let change = self.redisChanges[key]?.before(self.horizon(read)), change.start > write.event.end else { return nil }
        return Violation(rule: "a value older than what others wrote", event: read, because: change)
    }

    /// What Redis had acknowledged by then, the answer has to know.
    private func horizon(_ read: HistoryEvent) -> Double { read.isDirect ? read.start : read.start - self.stalenessMilliseconds }

    private func endedAbsence(_ read: HistoryEvent, _ key: String) -> Violation? {
        guard let write = self.courses[key]?.lastingWrite(read) else { return nil }
        guard write.end < (write.instance == read.instance ? read.start : self.horizon(read)) else { return nil }
        return Violation(rule: "an absence that has ended", event: read, because: write)
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
                last.instance != HistoryEvent.foreign, changes.allSatisfy({ $0 == last || $0.effect < last.start }),
                last.start > lastEmptyStart ?? -1, found != value
            else { return nil }
            return Violation(rule: "an acknowledged write is lost, found \(found.map(String.init) ?? "nothing")", event: last, because: nil)
        }
    }
}
