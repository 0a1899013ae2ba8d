/// Judges a recorded history of leases, tags and values at several instances over one Redis. A value.
///
/// A value that was stored with a lease is as old as the lease, any other as old as its write. Rules, from docs/api.md, docs/patterns.md,
/// docs/outages.md and docs/near-cache.md:
/// 1. *no late fill*: a fill is not acknowledged if the key was changed between the answer that gave the lease and the fill. The change must have been
///    acknowledged through the same instance, or be in Redis if Redis answers the fill. An invalidation of any tag counts for a value with tags that was not there before.
/// 2. *no value of before a change*: whoever reads after a change of the key, or an invalidation of a tag of the value, was acknowledged gets no older
///    value: through the same instance in any case; through another one if the change is in Redis and the answer is not marked degraded, after the
///    bound of the near cache, or at once if Redis was asked for the answer.
/// 3. *one holder*: of two leases of a key in Redis one was over before the other was given, if nothing was replayed and Redis not restarted meanwhile.
/// 4. *nothing lost*: whoever reads after a write was acknowledged by Redis gets its value, as long as it lives, if nobody has tried to change
///    the key since, nothing was replayed and Redis not restarted; through another instance under the conditions of rule 2.
/// 5. *no refusal without reason*: a fill is not refused while its lease stands for sure.
/// 6. *nothing but the contract's statuses*, and no value that nobody has written to the key.
struct LeaseHistoryChecker {
    struct Violation: Hashable, Sendable, CustomStringConvertible {
        let rule: String
        let event: LeaseEvent
        let because: LeaseEvent?

        var description: String { "\(self.rule): \(self.event)" + (self.because.map { "\n    because of \($0)" } ?? "") }
    }

    private let events: [LeaseEvent]
    let course: LeaseCourse
    let stalenessMilliseconds: Double
    /// By the number of the value that they write.
    private var writes: [Int: LeaseEvent] = [:]
    /// By token.
    private(set) var grants: [String: LeaseEvent] = [:]
    /// Attempts to use a lease, by token.
    private(set) var uses: [String: [LeaseEvent]] = [:]
    /// What happened to each key.
    private(set) var keys: [String: KeyCourse] = [:]
    /// Attempts to change a tag, by its name.
    private var tags: [String: KnownChanges] = [:]
    /// Attempts to change any tag.
    private(set) var tagChanges: [LeaseEvent] = []

    /// What happened to one key.
    struct KeyCourse {
        /// Attempts to change it, in the order of their start.
        let attempts: [LeaseEvent]
        let changes: KnownChanges
        /// Without fills.
        let ends: KnownChanges
        /// Times in which a replay or a restart may change it.
        let unsettled: [ClosedRange<Double>]

        func isSettled(_ start: Double, _ end: Double) -> Bool { !self.unsettled.contains { $0.lowerBound <= end && start <= $0.upperBound } }
    }

    /// Acknowledged changes of the same thing, as readers know of them.
    struct KnownChanges {
        private let ofInstance: [Int: LatestStart<LeaseEvent>]
        private let ofRedis: LatestStart<LeaseEvent>

        init(_ attempts: [LeaseEvent], _ course: LeaseCourse) {
            let changes = attempts.filter(\.isAcknowledged)
            self.ofInstance = Dictionary(grouping: changes, by: \.instance).mapValues { LatestStart($0.map { ($0, $0.start, $0.end) }) }
            self.ofRedis = LatestStart(changes.map { ($0, $0.start, course.effect($0)) })
        }

        /// Of the changes through the instance that were acknowledged before `time` the one that began last.
        func before(_ time: Double, instance: Int) -> LeaseEvent? { self.ofInstance[instance]?.before(time) }

        /// Of the changes that Redis had before `time` the one that began last.
        func before(_ time: Double) -> LeaseEvent? { self.ofRedis.before(time) }
    }

    /// - Parameter stalenessMilliseconds: how long what others have changed may not be seen.
    init(_ events: [LeaseEvent], _ course: LeaseCourse, stalenessMilliseconds: Double) {
        self.events = events.sorted { $0.start < $1.start }
        self.course = course
        self.stalenessMilliseconds = stalenessMilliseconds
        var keys: Set<String> = []
        var tags: Set<String> = []
        for event in self.events {
            switch event.operation {
            case .set(let key, let value):
                self.writes[value.number] = event
                keys.insert(key)
            case .fill(let key, let value, let token):
                self.writes[value.number] = event
                self.uses[token, default: []].append(event)
                keys.insert(key)
            case .giveUp(_, let token): self.uses[token, default: []].append(event)
            case .read(let key, let wish):
                keys.insert(key)
                if let grant = event.grant, self.grants[grant.token] == nil { self.grants[grant.token] = event }
                if let token = wish?.token { self.uses[token, default: []].append(event) }
            case .delete(let key): keys.insert(key)
            case .invalidateTag(let tag): tags.insert(tag)
            case .invalidatePrefix: break
            }
        }
        self.tagChanges = self.events.filter { $0.invalidates() }
        for tag in tags { self.tags[tag] = KnownChanges(self.tagChanges.filter { $0.invalidates(tag) }, course) }
        for key in keys { self.keys[key] = Self.course(of: key, self.events, course) }
    }

    private static func course(of key: String, _ events: [LeaseEvent], _ course: LeaseCourse) -> KeyCourse {
        let attempts = events.filter { $0.changes(key) }
        let replays = attempts.filter { !$0.isOfRedis && $0.status != 409 }.map { $0.start...course.settled($0.instance, after: $0.end) }
        let restarts = course.restarts.map { $0...course.settled(after: $0) }
        return KeyCourse(
            attempts: attempts, changes: KnownChanges(attempts, course), ends: KnownChanges(attempts.filter { $0.voids(key) }, course),
            unsettled: replays + restarts)
    }

    func violations() -> [Violation] {
        var found: [Violation] = []
        for event in self.events {
            if !Self.statuses(event).contains(event.status) {
                found.append(Violation(rule: "a status that the contract does not have", event: event, because: nil))
                continue
            }
            switch event.operation {
            case .read(let key, _): if let violation = self.judge(read: event, key) { found.append(violation) }
            case .fill(let key, let value, let token): if let violation = self.judge(fill: event, key, value, token) { found.append(violation) }
            case .set, .giveUp, .delete, .invalidatePrefix, .invalidateTag: break
            }
        }
        return found + self.doubleHolders()
    }

    /// What happened to the key of a violation, from what it is about until then.
    func events(around violation: Violation) -> [LeaseEvent] {
        let key: String
        switch violation.event.operation {
        case .read(let of, _), .set(let of, _), .fill(let of, _, _), .giveUp(let of, _), .delete(let of): key = of
        case .invalidatePrefix, .invalidateTag: return []
        }
        var starts = [violation.event.start, violation.because?.start ?? .infinity]
        if let write = violation.event.number.flatMap({ self.writes[$0] }) { starts.append(self.birth(write)) }
        if case .fill(_, _, let token) = violation.event.operation, let grant = self.grants[token] { starts.append(grant.start) }
        let start = (starts.min() ?? 0) - 50
        return self.events.filter { event in
            guard event.end >= start, event.start <= violation.event.end else { return false }
            return switch event.operation {
            case .read(key, _), .giveUp(key, _): true
            default: event.changes(key) || event.invalidates()
            }
        }
    }

    private static func statuses(_ event: LeaseEvent) -> [Int] {
        switch event.operation {
        case .read(_, nil), .delete: [200, 404]
        case .read(_, let wish?): wish.token == nil ? [200, 404, 503] : [200, 404, 409, 503, 507]
        case .set(_, let value): value.tags.isEmpty ? [200, 507] : [200, 503, 507]
        case .fill: [200, 409, 503, 507]
        case .giveUp: [200, 409, 503, 507]
        case .invalidatePrefix, .invalidateTag: [200, 503]
        }
    }

    // MARK: Reads

    /// Since when a value counts.
    private func birth(_ write: LeaseEvent) -> Double {
        guard case .fill(_, _, let token) = write.operation else { return write.end }
        return self.grants[token]?.end ?? write.end
    }

    private func judge(read: LeaseEvent, _ key: String) -> Violation? {
        if let number = read.number {
            guard let write = self.writes[number], let value = write.value(at: key) else {
                return Violation(rule: "a value that nobody wrote to this key", event: read, because: nil)
            }
            if let change = self.change(after: write, value, key, read) {
                return Violation(rule: "a value of before a change", event: read, because: change)
            }
        }
        return self.loss(read, key)
    }

    /// The change that the value of a read is too old for.
    private func change(after write: LeaseEvent, _ value: LeaseEvent.Value, _ key: String, _ read: LeaseEvent) -> LeaseEvent? {
        let birth = self.birth(write)
        if let course = self.keys[key] {
            // What was written without Redis, or perhaps without it, may reach Redis late; a fill may not, because its lease does not stand then.
            let isLate = if case .set = write.operation { !write.isOfRedis && write.instance != read.instance } else { false }
            let reached = isLate ? self.course.effect(write) : write.end
            if let change = self.latest(course.changes, read), change.start > reached { return change }
            if !isLate, let change = self.latest(course.ends, read), change.start > birth { return change }
        }
        for tag in value.tags {
            guard let known = self.tags[tag], let change = self.latest(known, read), change.start > birth else { continue }
            return change
        }
        return nil
    }

    /// Of the changes that a read has to know the one that began last.
    private func latest(_ known: KnownChanges, _ read: LeaseEvent) -> LeaseEvent? {
        let own = known.before(read.start, instance: read.instance)
        guard !read.isDegraded, let other = known.before(self.horizon(read)) else { return own }
        return own.map { $0.start > other.start ? $0 : other } ?? other
    }

    /// What Redis had by then, the answer has to know.
    private func horizon(_ read: LeaseEvent) -> Double { read.isDirect ? read.start : read.start - self.stalenessMilliseconds }

    private func loss(_ read: LeaseEvent, _ key: String) -> Violation? {
        guard !read.isDegraded, [200, 404].contains(read.status), let course = self.keys[key],
            let last = course.attempts.last(where: { $0.start <= read.end }), last.isOfRedis, let value = last.writtenValue, value.tags.isEmpty,
            read.number != value.number, value.timeToLive.map({ last.start + Double($0 + value.stale) * 1000 > read.end }) ?? true,
            last.end < (last.instance == read.instance ? read.start : self.horizon(read)),
            course.attempts.allSatisfy({ $0.start > read.end || $0 == last || $0.end < last.start }), course.isSettled(last.start, read.end)
        else { return nil }
        return Violation(rule: "an acknowledged value is lost", event: read, because: last)
    }
}

extension LeaseEvent {
    /// What it writes.
    var writtenValue: Value? {
        switch self.operation {
        case .set(_, let value), .fill(_, let value, _): value
        case .read, .giveUp, .delete, .invalidatePrefix, .invalidateTag: nil
        }
    }

    /// What it writes to `key`.
    func value(at key: String) -> Value? { self.changes(key) ? self.writtenValue : nil }
}
