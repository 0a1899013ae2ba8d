import Testing

/// The judge of leases and tags must find what it is there for, and nothing else.
struct LeaseHistoryCheckerTests {
    private static let course = LeaseCourse(settled: [[-1...(-1)], [-1...(-1)]])

    private func rules(_ events: [LeaseEvent], _ course: LeaseCourse = Self.course) -> [String] {
        LeaseHistoryChecker(events, course, stalenessMilliseconds: 50).violations().map(\.rule)
    }

    private func event(
        _ operation: LeaseEvent.Operation, _ start: Double, instance: Int = 0, status: Int = 200, degraded: Bool = false
    ) -> LeaseEvent {
        LeaseEvent(instance: instance, operation: operation, start: start, end: start + 1, status: status, isDegraded: degraded)
    }

    private func read(_ number: Int?, _ start: Double, instance: Int = 0, degraded: Bool = false, direct: Bool = false) -> LeaseEvent {
        var event = self.event(.read(key: "a:k", nil), start, instance: instance, status: number == nil ? 404 : 200, degraded: degraded)
        event.number = number
        event.isDirect = direct
        return event
    }

    private func set(_ value: LeaseEvent.Value, _ start: Double, instance: Int = 0, degraded: Bool = false) -> LeaseEvent {
        self.event(.set(key: "a:k", value), start, instance: instance, degraded: degraded)
    }

    private func set(_ number: Int, _ start: Double, instance: Int = 0, degraded: Bool = false) -> LeaseEvent {
        self.set(LeaseEvent.Value(number: number), start, instance: instance, degraded: degraded)
    }

    private func tagged(_ number: Int) -> LeaseEvent.Value { LeaseEvent.Value(number: number, tags: ["t"], timeToLive: 60) }

    private func delete(_ start: Double, instance: Int = 0, status: Int = 200, degraded: Bool = false) -> LeaseEvent {
        self.event(.delete(key: "a:k"), start, instance: instance, status: status, degraded: degraded)
    }

    private func grant(
        _ token: String, _ start: Double, seconds: Int = 10, instance: Int = 0, stale number: Int? = nil, degraded: Bool = false
    ) -> LeaseEvent {
        let status = number == nil ? 404 : 200
        var event = self.event(
            .read(key: "a:k", LeaseEvent.Wish(seconds: seconds)), start, instance: instance, status: status, degraded: degraded)
        event.token = token
        event.number = number
        return event
    }

    private func fill(
        _ value: LeaseEvent.Value, _ token: String, _ start: Double, instance: Int = 0, status: Int = 200, degraded: Bool = false
    ) -> LeaseEvent {
        self.event(.fill(key: "a:k", value, token: token), start, instance: instance, status: status, degraded: degraded)
    }

    private func fill(_ number: Int, _ token: String, _ start: Double, instance: Int = 0, status: Int = 200, degraded: Bool = false) -> LeaseEvent {
        self.fill(LeaseEvent.Value(number: number), token, start, instance: instance, status: status, degraded: degraded)
    }

    @Test func aHistoryWithoutFault() {
        let history = [
            self.set(1, 0), self.read(1, 2), self.delete(4), self.grant("x", 6), self.fill(2, "x", 8), self.read(2, 10), self.delete(12),
            self.grant("y", 14), self.event(.giveUp(key: "a:k", token: "y"), 16), self.grant("z", 18),
        ]
        #expect(self.rules(history) == [])
    }

    // MARK: Late fills

    static let changes: [LeaseEvent.Operation] = [
        .delete(key: "a:k"), .invalidatePrefix("a:"), .invalidatePrefix(""), .set(key: "a:k", LeaseEvent.Value(number: 9)),
    ]

    @Test(arguments: Self.changes, [0, 1]) func aFillAfterAChange(_ change: LeaseEvent.Operation, _ instance: Int) {
        let changed = [self.grant("x", 0), self.event(change, 2, instance: instance)]
        #expect(self.rules(changed + [self.fill(1, "x", 4)]) == ["a late fill"])
        #expect(self.rules(changed + [self.fill(1, "x", 4, status: 409)]) == [])
        #expect(self.rules(changed + [self.fill(1, "x", 2.5)]) == [], "not acknowledged when it was sent")
        #expect(self.rules([self.event(change, 0.5, instance: instance), self.grant("x", 0), self.fill(1, "x", 4)]) == [], "no order between them")
        let failed = [self.grant("x", 0), self.event(change, 2, instance: instance, status: 503), self.fill(1, "x", 4)]
        #expect(self.rules(failed).contains("a late fill") == false)
    }

    @Test func aChangeElsewhereCountsIfRedisHasIt() {
        let late = ["a late fill"]
        let outage = [self.grant("x", 0), self.delete(2, instance: 1, degraded: true)]
        let replayed = LeaseCourse(restarts: [], settled: [[-1...(-1)], [-1...(-1), 5...5]])
        #expect(self.rules(outage + [self.fill(1, "x", 6)]) == [], "not replayed yet")
        #expect(self.rules(outage + [self.fill(1, "x", 6)], replayed) == late)
        #expect(self.rules([self.grant("x", 0), self.delete(2, degraded: true), self.fill(1, "x", 4)]) == late, "the same instance knows it")
        #expect(self.rules([self.grant("x", 0, degraded: true), self.delete(2), self.fill(1, "x", 4, degraded: true)]) == late)
        #expect(self.rules([self.grant("x", 0, degraded: true), self.delete(2, instance: 1), self.fill(1, "x", 4, degraded: true)]) == [])
    }

    @Test func aTagThatChangesEndsTheLeaseOfATaggedValue() {
        let changed = [self.grant("x", 0), self.event(.invalidateTag("u"), 2, instance: 1)]
        #expect(self.rules(changed + [self.fill(self.tagged(1), "x", 4)]) == ["a late fill"])
        #expect(self.rules(changed + [self.fill(self.tagged(1), "x", 4, status: 409)]) == [])
        #expect(self.rules(changed + [self.fill(1, "x", 4)]) == [], "without tags only the key counts")
        let stale = [self.set(self.tagged(1), 0), self.grant("x", 2, stale: 1), self.event(.invalidateTag("t"), 4)]
        #expect(self.rules(stale + [self.fill(self.tagged(2), "x", 6)]) == [], "remembers the old version")
        #expect(self.rules(stale + [self.fill(self.tagged(2), "x", 6), self.read(2, 8)]) == ["a value of before a change"])
    }

    @Test func aFillThatIsRefusedWithoutReason() {
        let refused = ["a fill that was refused while its lease stood"]
        #expect(self.rules([self.grant("x", 0), self.fill(1, "x", 2, instance: 1, status: 409)]) == refused)
        #expect(self.rules([self.grant("x", 0, seconds: 1), self.fill(1, "x", 1000, status: 409)]) == [], "may be over")
        #expect(self.rules([self.grant("x", 0), self.delete(1, status: 503), self.fill(1, "x", 3, status: 409)]).contains(refused[0]) == false)
        #expect(self.rules([self.grant("x", 0), self.fill(1, "x", 2, status: 503), self.fill(1, "x", 4, status: 409)]) == [], "may be filled")
        #expect(self.rules([self.event(.invalidateTag("u"), -9), self.grant("x", 0), self.fill(self.tagged(1), "x", 2, status: 409)]) == [])
        #expect(self.rules([self.event(.invalidateTag("u"), -99), self.grant("x", 0), self.fill(self.tagged(1), "x", 2, status: 409)]) == refused)
        let restarted = LeaseCourse(restarts: [1], settled: [[-1...(-1)], [-1...(-1)]])
        #expect(self.rules([self.grant("x", 0), self.fill(1, "x", 2, status: 409)], restarted) == [])
    }

    // MARK: Old values

    @Test(arguments: Self.changes.dropLast()) func aValueOfBeforeAChange(_ change: LeaseEvent.Operation) {
        let old = ["a value of before a change"]
        let here = [self.set(1, 0), self.event(change, 2)]
        let there = [self.set(1, 0), self.event(change, 2, instance: 1)]
        #expect(self.rules(here + [self.read(1, 4)]) == old)
        #expect(self.rules(here + [self.read(1, 4, degraded: true)]) == old, "an instance knows its own changes also in an outage")
        #expect(self.rules(here + [self.read(1, 2.5)]) == [])
        #expect(self.rules(there + [self.read(1, 4)]) == [], "no longer ago than the bound")
        #expect(self.rules(there + [self.read(1, 54)]) == old)
        #expect(self.rules(there + [self.read(1, 4, direct: true)]) == old, "Redis was asked")
        #expect(self.rules(there + [self.read(1, 54, degraded: true)]) == [], "it says that it may be old")
        let queued = [self.set(1, 0), self.event(change, 2, instance: 1, degraded: true)]
        #expect(self.rules(queued + [self.read(1, 99)]) == [], "Redis does not have it")
        #expect(self.rules(queued + [self.read(1, 99)], LeaseCourse(restarts: [], settled: [[-1...(-1)], [-1...(-1), 5...5]])) == old)
        #expect(self.rules([self.set(1, 0, instance: 1, degraded: true), self.event(change, 2), self.read(1, 4)]) == [], "may come late")
    }

    @Test func aValueIsAsOldAsItsLease() {
        let old = ["a value of before a change"]
        #expect(self.rules([self.grant("x", 0), self.delete(2), self.fill(1, "x", 2.5), self.read(1, 6)]) == old)
        #expect(self.rules([self.grant("x", 0), self.event(.invalidateTag("t"), 2), self.fill(self.tagged(1), "x", 2.5), self.read(1, 6)]) == old)
        #expect(self.rules([self.delete(0), self.grant("x", 2), self.fill(1, "x", 4), self.read(1, 6)]) == [])
        #expect(self.rules([self.grant("x", 0), self.delete(2), self.fill(1, "x", 2.5, status: 503), self.read(1, 6)]) == old, "has come late")
    }

    @Test func aValueOfBeforeItsTagChanged() {
        let old = ["a value of before a change"]
        let here = [self.set(self.tagged(1), 0), self.event(.invalidateTag("t"), 2)]
        let there = [self.set(self.tagged(1), 0), self.event(.invalidateTag("t"), 2, instance: 1)]
        #expect(self.rules(here + [self.read(1, 4)]) == old)
        #expect(self.rules(there + [self.read(1, 4)]) == [])
        #expect(self.rules(there + [self.read(1, 54)]) == old)
        #expect(self.rules([self.set(self.tagged(1), 0), self.event(.invalidateTag("u"), 2), self.read(1, 4)]) == [])
        #expect(self.rules([self.set(self.tagged(1), 2), self.event(.invalidateTag("t"), 2.5), self.read(1, 4)]) == [], "no order between them")
        #expect(self.rules([self.set(1, 0), self.event(.invalidateTag("t"), 2), self.read(1, 4)]) == [], "has no tag")
    }

    // MARK: Holders

    @Test(arguments: [0, 1]) func twoHolders(_ instance: Int) {
        let two = ["two holders of a lease"]
        #expect(self.rules([self.grant("x", 0), self.grant("y", 2, instance: instance)]) == two)
        #expect(self.rules([self.grant("x", 0), self.grant("y", 0.5, instance: instance)]) == two, "one was first, and has it still")
        #expect(self.rules([self.grant("x", 0, seconds: 1), self.grant("y", 1000, instance: instance)]) == [], "over")
        #expect(self.rules([self.grant("x", 0), self.delete(2), self.grant("y", 4, instance: instance)]) == [])
        #expect(self.rules([self.grant("x", 0), self.delete(2, status: 503), self.grant("y", 4, instance: instance)]).contains(two[0]) == false)
        let renewal = LeaseEvent.Operation.read(key: "a:k", LeaseEvent.Wish(seconds: 1, token: "x"))
        #expect(self.rules([self.grant("x", 0), self.event(renewal, 2, status: 404), self.grant("y", 1003, instance: instance)]) == [], "shortened")
        let filled = [self.grant("x", 0), self.fill(1, "x", 2, status: 503), self.grant("y", 4, instance: instance)]
        #expect(self.rules(filled) == [], "may be over")
        #expect(self.rules([self.grant("x", 0, degraded: true), self.grant("y", 2, instance: instance)]) == [], "in an outage")
        let restarted = LeaseCourse(restarts: [1], settled: [[-1...(-1), 9...9], [-1...(-1), 9...9]])
        #expect(self.rules([self.grant("x", 0), self.grant("y", 5, instance: instance)], restarted) == [])
        #expect(self.rules([self.grant("x", 10), self.grant("y", 12, instance: instance)], restarted) == two)
        let replay = [self.delete(-5, degraded: true), self.grant("x", 0, instance: 1), self.grant("y", 2, instance: instance)]
        #expect(self.rules(replay, LeaseCourse(restarts: [], settled: [[1...1], [1...1]])) == [], "a replay may have ended it")
    }

    @Test func anInvalidatedTagFreesTheLeaseOfAStaleValue() {
        let stale = [self.set(self.tagged(1), 0), self.grant("x", 2, stale: 1)]
        #expect(self.rules(stale + [self.event(.invalidateTag("t"), 4), self.grant("y", 6)]) == [])
        #expect(self.rules(stale + [self.grant("y", 6, stale: 1)]) == ["two holders of a lease"])
        #expect(self.rules([self.grant("x", 2), self.event(.invalidateTag("t"), 4), self.grant("y", 6)]) == ["two holders of a lease"])
    }

    // MARK: Losses

    @Test func aLostValue() {
        let lost = ["an acknowledged value is lost"]
        #expect(self.rules([self.set(1, 0), self.read(nil, 2)]) == lost)
        #expect(self.rules([self.grant("x", 0), self.fill(1, "x", 2), self.read(nil, 4)]) == lost)
        #expect(self.rules([self.set(1, 0, instance: 1), self.read(nil, 2)]) == [])
        #expect(self.rules([self.set(1, 0, instance: 1), self.read(nil, 52)]) == lost)
        #expect(self.rules([self.set(1, 0, instance: 1), self.read(nil, 2, direct: true)]) == lost)
        #expect(self.rules([self.set(1, 0), self.delete(0.5), self.read(nil, 2)]) == [], "no order between them")
        #expect(self.rules([self.set(1, 0), self.delete(2, status: 503), self.read(nil, 4)]).contains(lost[0]) == false, "may be deleted")
        #expect(self.rules([self.set(1, 0, degraded: true), self.read(nil, 2)]) == [], "what was written in an outage is not kept")
        #expect(self.rules([self.set(1, 0), self.read(nil, 2)], LeaseCourse(restarts: [-2], settled: [[-3...(-3)], [-3...(-3)]])) == [])
        let short = LeaseEvent.Value(number: 1, timeToLive: 1)
        #expect(self.rules([self.set(short, 0), self.read(nil, 998)]) == lost)
        #expect(self.rules([self.set(short, 0), self.read(nil, 1000)]) == [], "over")
        #expect(self.rules([self.set(LeaseEvent.Value(number: 1, timeToLive: 1, stale: 1), 0), self.read(nil, 1000)]) == lost)
        #expect(self.rules([self.set(self.tagged(1), 0), self.read(nil, 2)]) == [], "its tag may have been old")
    }

    @Test func valuesAndStatusesFromNowhere() {
        #expect(self.rules([self.read(7, 0)]) == ["a value that nobody wrote to this key"])
        let elsewhere = self.event(.set(key: "b", LeaseEvent.Value(number: 7)), 0)
        #expect(self.rules([elsewhere, self.read(7, 2)]) == ["a value that nobody wrote to this key"])
        #expect(self.rules([self.delete(0, status: 409)]) == ["a status that the contract does not have"])
        #expect(self.rules([self.event(.read(key: "a:k", nil), 0, status: 0)]) == ["a status that the contract does not have"])
    }
}
