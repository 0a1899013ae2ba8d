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

    // MARK: Copies

    private func rules(bound: Double, restores: Bool = false, quietSince: Double = .infinity, _ events: [HistoryEvent]) -> [String] {
        HistoryChecker(events, toleranceMilliseconds: 100, stalenessMilliseconds: bound, restoresWrites: restores)
            .violations(quietSince: quietSince).map(\.rule)
    }

    private func copy(_ value: Int?, _ start: Double, isDirect: Bool = false, degraded: Bool = false) -> HistoryEvent {
        HistoryEvent(
            instance: 0, operation: .get(key: "a:k", value: value), start: start, end: start + 1, status: value == nil ? 404 : 200,
            isDegraded: degraded, isCopy: !isDirect, isDirect: isDirect)
    }

    @Test(arguments: [HistoryEvent.foreign, 1]) func whatOthersWriteIsSeenAfterTheBound(_ other: Int) {
        let history = [self.set(1, 0), self.set(2, 2, instance: other)]
        let late = ["a value older than what others wrote"]
        #expect(self.rules(bound: 50, history + [self.copy(1, 53)]) == [], "not longer ago than the bound")
        #expect(self.rules(bound: 50, history + [self.copy(1, 54)]) == late)
        #expect(self.rules(bound: 50, history + [self.copy(2, 54)]) == [])
        #expect(self.rules(bound: 50, history + [self.copy(1, 54, degraded: true)]) == [], "it says that it may be old")
        #expect(self.rules(bound: 50, history + [self.copy(1, 4, isDirect: true)]) == late, "Redis was asked")
        #expect(self.rules(bound: 50, [self.set(1, 0), self.set(2, 2, instance: other, degraded: true), self.copy(1, 54)]) == [])
        #expect(self.rules(bound: 50, [self.set(1, 0, degraded: true), self.set(2, 2, instance: other), self.copy(1, 54)]) == [])
    }

    @Test func anOwnWriteHasNoBound() {
        #expect(self.rules(bound: 50, [self.set(1, 0), self.set(2, 2), self.copy(1, 4)]) == ["a stale value"])
        #expect(self.rules(bound: 50, [self.set(1, 0, instance: HistoryEvent.foreign), self.set(2, 2), self.copy(1, 4)]) == ["a stale value"])
    }

    @Test func aForeignEndIsTrueWhenItHasCome() {
        let history = [self.set(1, 0), self.event(.expire(key: "a:k", milliseconds: 20), 2, 3, instance: HistoryEvent.foreign)]
        #expect(self.rules(bound: 10, history + [self.copy(1, 33)]) == [])
        #expect(self.rules(bound: 10, history + [self.copy(1, 34)]) == ["a value older than what others wrote"])
        #expect(self.rules(bound: 10, history + [self.set(2, 4), self.copy(2, 34)]) == [], "a write takes the end away")
        let putOff = self.event(.expire(key: "a:k", milliseconds: 100), 10, 11, instance: HistoryEvent.foreign)
        #expect(self.rules(bound: 10, history + [putOff, self.copy(1, 34)]) == [], "a later end takes the place of the first")
        #expect(
            self.rules(bound: 10, [self.set(1, 0, instance: HistoryEvent.foreign, ttl: 1), self.copy(1, 1102)]) == ["a value beyond its deadline"])
    }

    /// A replay may write what was written in an outage after what others have written since.
    @Test func aRestoredValueMayBeOlderThanAForeignOne() {
        let history = [self.set(1, 0, degraded: true), self.set(2, 2, instance: HistoryEvent.foreign), self.copy(1, 4, isDirect: true)]
        #expect(self.rules(bound: 0, restores: true, quietSince: 4, history) == [])
        #expect(self.rules(bound: 0, quietSince: 4, history) == ["a stale value after replay"])
    }

    /// On a loaded machine Redis can miss a deadline also when all faults are over.
    @Test func aMarkedAnswerMayBeOldAfterReplay() {
        let history = [self.set(1, 0, instance: 1), self.set(2, 2, instance: HistoryEvent.foreign)]
        #expect(self.rules(bound: 0, quietSince: 4, history + [self.copy(1, 5, isDirect: true, degraded: true)]) == [])
        #expect(self.rules(bound: 0, quietSince: 4, history + [self.copy(1, 5, isDirect: true)]) == ["a stale value after replay"])
    }

    @Test func anAbsenceThatHasEnded() {
        let ended = ["an absence that has ended"]
        #expect(self.rules(bound: 50, [self.set(1, 0), self.copy(nil, 2)]) == ended)
        #expect(self.rules(bound: 50, [self.set(1, 0, instance: 1), self.copy(nil, 50)]) == [])
        #expect(self.rules(bound: 50, [self.set(1, 0, instance: 1), self.copy(nil, 52)]) == ended)
        #expect(self.rules(bound: 50, [self.set(1, 0, ttl: 1), self.copy(nil, 2)]) == [], "may have ended")
        #expect(self.rules(bound: 50, [self.event(.delete(key: "a:k"), 0, 9), self.set(1, 1), self.copy(nil, 3)]) == [], "no order between them")
        #expect(self.rules(bound: 50, [self.set(1, 0, degraded: true), self.set(2, 2), self.copy(nil, 4)]) == [], "a replay may delete it")
        #expect(self.rules(bound: 50, [self.set(1, 0), self.copy(nil, 2), self.event(.delete(key: "a:k"), 4, 5)]) == ended)
        let checker = HistoryChecker([self.set(1, 0), self.copy(nil, 2)], toleranceMilliseconds: 0)
        #expect(checker.violations(quietSince: .infinity, firstRestart: 1).isEmpty, "Redis may have lost it")
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
