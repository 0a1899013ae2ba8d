extension LeaseHistoryChecker {
    // MARK: Fills

    func judge(fill: LeaseEvent, _ key: String, _ value: LeaseEvent.Value, _ token: String) -> Violation? {
        guard let grant = self.grants[token], let course = self.keys[key] else { return nil }
        switch fill.status {
        case 200:
            guard let change = self.change(between: grant, and: fill, value, course) else { return nil }
            return Violation(rule: "a late fill", event: fill, because: change)
        case 409:
            guard self.standsForSure(grant, fill, value, course) else { return nil }
            return Violation(rule: "a fill that was refused while its lease stood", event: fill, because: grant)
        default:
            return nil
        }
    }

    private func change(between grant: LeaseEvent, and fill: LeaseEvent, _ value: LeaseEvent.Value, _ course: KeyCourse) -> LeaseEvent? {
        // A value that was there before, with tags of its own, remembers their versions: then the value of the fill is a miss, which rule 2 sees.
        let isTagged = !value.tags.isEmpty && grant.status == 404
        let changes = course.attempts.filter { $0 != fill } + (isTagged ? self.tagChanges : [])
        return changes.first { change in
            guard change.isAcknowledged, change.start > grant.end else { return false }
            if change.instance == fill.instance { return change.end < fill.start }
            return !fill.isDegraded && self.course.effect(change) < fill.start
        }
    }

    /// Whether nothing can have ended a lease until its fill was answered.
    private func standsForSure(_ grant: LeaseEvent, _ fill: LeaseEvent, _ value: LeaseEvent.Value, _ course: KeyCourse) -> Bool {
        guard !grant.isDegraded, !fill.isDegraded, fill.end < self.certainEnd(grant, except: fill), course.isSettled(grant.start, fill.end) else {
            return false
        }
        // A lease may remember versions that its instance did not know to be old.
        return value.tags.isEmpty || !self.mayChangeTags(grant.start - self.stalenessMilliseconds, fill.end)
    }

    /// Whether a tag may be changed, perhaps by a replay or a restart.
    private func mayChangeTags(_ start: Double, _ end: Double) -> Bool {
        let isRestarted = self.course.restarts.contains { $0 <= end && start <= self.course.settled(after: $0) }
        return isRestarted || self.tagChanges.contains { $0.start <= end && start <= max($0.end, self.course.effect($0)) }
    }

    // MARK: Holders

    /// Until when a lease stands for sure, if no replay ends it.
    /// - Parameter except: an attempt to use it that does not count.
    private func certainEnd(_ grant: LeaseEvent, except: LeaseEvent? = nil) -> Double {
        guard let (key, wish, token) = grant.grant else { return grant.start }
        var end = grant.start + Double(wish.seconds) * 1000
        for use in self.uses[token] ?? [] where use != except {
            if case .read(_, let wish?) = use.operation {
                end = min(end, use.start + Double(wish.seconds) * 1000)
            } else {
                end = min(end, use.start)
            }
        }
        // An invalidation of its tag frees the lease of a stale value.
        let changes = (self.keys[key]?.attempts ?? []) + (grant.status == 200 ? self.tagChanges : [])
        for change in changes where change.voids(key) || change.invalidates() {
            guard self.course.effect(change) > grant.start || change.end > grant.start else { continue }
            end = min(end, change.start)
        }
        return end
    }

    /// Two who have the same lease at one moment for sure.
    func doubleHolders() -> [Violation] {
        var ofKey: [String: [(grant: LeaseEvent, end: Double)]] = [:]
        for event in self.grants.values where !event.isDegraded {
            guard let key = event.grant?.key else { continue }
            ofKey[key, default: []].append((event, self.certainEnd(event)))
        }
        return ofKey.flatMap { key, holders in
            let holders = holders.sorted { $0.grant.start < $1.grant.start }
            return holders.indices.compactMap { self.violation(holders, $0, key) }
        }
    }

    private func violation(_ holders: [(grant: LeaseEvent, end: Double)], _ index: Int, _ key: String) -> Violation? {
        let (grant, end) = holders[index]
        for (other, otherEnd) in holders[(index + 1)...] {
            guard other.start < end else { return nil }
            let moment = max(grant.end, other.end)
            guard moment < end, moment < otherEnd, self.keys[key]?.isSettled(grant.start, moment) == true else { continue }
            return Violation(rule: "two holders of a lease", event: other, because: grant)
        }
        return nil
    }
}
