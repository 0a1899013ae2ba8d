import Testing

/// The judge must find what it is there for, and nothing else.
struct HistoryCheckerTests {
    private func event(
        _ operation: HistoryEvent.Operation, _ start: Double, _ end: Double, instance: Int = 0, status: Int = 200, degraded: Bool = false
    ) -> HistoryEvent {
        HistoryEvent(instance: instance, operation: operation, start: start, end: end, status: status, isDegraded: degraded)
    }

    private func get(_ value: Int?, _ start: Double, instance: Int = 0) -> HistoryEvent {
        self.event(.get(key: "a:k", value: value), start, start + 1, instance: instance, status: value == nil ? 404 : 200)
    }

    private func set(_ value: Int, _ start: Double, instance: Int = 0, ttl: Int? = nil, degraded: Bool = false) -> HistoryEvent {
        self.event(.set(key: "a:k", value: value, timeToLive: ttl), start, start + 1, instance: instance, degraded: degraded)
    }

    private func rules(_ events: [HistoryEvent], quietSince: Double = .infinity) -> [String] {
        HistoryChecker(events, toleranceMilliseconds: 100).violations(quietSince: quietSince).map(\.rule)
    }

    @Test func aHistoryWithoutFault() {
        #expect(self.rules([self.set(1, 0), self.get(1, 2), self.set(2, 4), self.get(2, 6), self.get(nil, 8)]) == [])
    }

    @Test func anOlderValueAfterAWrite() {
        #expect(self.rules([self.set(1, 0), self.set(2, 2), self.get(1, 4)]) == ["a stale value"])
        #expect(self.rules([self.set(1, 0), self.set(2, 0.5), self.get(1, 4)]) == [], "at the same time: either may have been last")
        #expect(self.rules([self.set(1, 0), self.set(2, 2), self.get(1, 2.5)]) == [], "not acknowledged when it was asked")
    }

    @Test(arguments: [HistoryEvent.Operation.delete(key: "a:k"), .invalidate(prefix: "a:"), .invalidate(prefix: "")])
    func aValueAfterItsEnd(_ end: HistoryEvent.Operation) {
        #expect(self.rules([self.set(1, 0), self.event(end, 2, 3), self.get(1, 4)]) == ["a stale value"])
        #expect(self.rules([self.set(1, 0), self.event(end, 2, 3, instance: 1), self.get(1, 4)]) == [], "another instance may not know yet")
        let quiet = self.rules([self.set(1, 0), self.event(end, 2, 3, instance: 1), self.get(1, 4)], quietSince: 4)
        #expect(quiet == ["a stale value after replay"])
    }

    @Test func whatWasNotAcknowledgedBindsNobody() {
        #expect(self.rules([self.set(1, 0), self.event(.invalidate(prefix: "a"), 2, 3, status: 503), self.get(1, 4)]) == [])
        let delete = self.event(.delete(key: "a:k"), 2, 3, status: 404)
        #expect(self.rules([self.set(1, 0), delete, self.get(1, 4)]) == ["a stale value"], "nothing found is acknowledged too")
        #expect(self.rules([self.set(1, 0), self.event(.delete(key: "a:other"), 2, 3), self.get(1, 4)]) == [])
    }

    /// What another instance wrote to its own memory may reach Redis at any time until it has replayed.
    @Test func aDegradedWriteOfAnotherInstanceCountsAfterReplayAlone() {
        let history = [self.set(1, 0, instance: 1, degraded: true), self.event(.delete(key: "a:k"), 2, 3), self.get(1, 4)]
        #expect(self.rules(history) == [])
        #expect(self.rules(history, quietSince: 4) == ["a stale value after replay"])
        let ours = [self.set(1, 0, degraded: true), self.event(.delete(key: "a:k"), 2, 3), self.get(1, 4)]
        #expect(self.rules(ours) == ["a stale value"])
    }

    @Test func aValueBeyondItsDeadline() {
        #expect(self.rules([self.set(1, 0, ttl: 1), self.get(1, 1100)]) == [])
        #expect(self.rules([self.set(1, 0, ttl: 1), self.get(1, 1102)]) == ["a value beyond its deadline"])
        #expect(self.rules([self.set(1, 0, instance: 1, ttl: 1, degraded: true), self.get(1, 1102)]) == [])
    }

    @Test func valuesAndStatusesFromNowhere() {
        #expect(self.rules([self.get(7, 0)]) == ["a value that nobody wrote to this key"])
        let other = self.event(.set(key: "b", value: 1, timeToLive: nil), 0, 1)
        #expect(self.rules([other, self.get(1, 2)]) == ["a value that nobody wrote to this key"])
        #expect(self.rules([self.event(.delete(key: "b"), 0, 1, status: 500)]) == ["a status that the contract does not have"])
        #expect(self.rules([self.event(.delete(key: "b"), 0, .infinity, status: 0)]) == ["a status that the contract does not have"])
    }

    @Test func aLostWrite() {
        func losses(_ events: [HistoryEvent], empty: Double? = nil, _ found: Int?) -> Int {
            HistoryChecker(events, toleranceMilliseconds: 0).losses(lastEmptyStart: empty, final: ["a:k": found]).count
        }
        #expect(losses([self.set(1, 0), self.set(2, 2)], 2) == 0)
        #expect(losses([self.set(1, 0), self.set(2, 2)], nil) == 1)
        #expect(losses([self.set(1, 0), self.set(2, 2)], 1) == 1)
        #expect(losses([self.set(1, 0), self.set(2, 0.5)], 1) == 0, "no order between them")
        #expect(losses([self.set(1, 0, ttl: 1)], nil) == 0, "may have ended")
        #expect(losses([self.set(1, 0), self.event(.delete(key: "a:k"), 2, 3)], nil) == 0)
        #expect(losses([self.set(1, 0)], empty: 5, nil) == 0, "Redis itself lost it")
        #expect(losses([self.set(1, 6)], empty: 5, nil) == 1)
    }
}
