import Backoff
import MemoryStore
import RedisClient
import Testing

@testable import Cache

/// Every event in every state.
@Suite struct OutageStateMachineTests {
    private typealias State = OutageStateMachine.State

    private static let key = OutageCourse.bytes("k")
    private static let late = OutageCourse.bytes("late")

    private static let events: [RecoveryEvent] = [
        .woken, .connectionsEnded([]), .pauseEnded, .redisAnswered, .connectionsFenced, .fenceRefused, .waitEnded, .serverIdentified("one"),
        .serverIdentified("another"), .serverIdentified(nil), .recentWritesCollected(isComplete: true), .recentWritesCollected(isComplete: false),
        .writesVerified, .eventLoopsConnected, .everythingDeleted(isRefused: false), .everythingDeleted(isRefused: true),
        .patternDeleted(isRefused: false), .patternDeleted(isRefused: true), .keysSettled(Settlement()),
        .keysSettled(Settlement(failure: .connectionClosed)), .stepFailed(.connectionClosed), .stopped,
    ]

    private static func entry(_ key: [UInt8], _ version: UInt64, isValue: Bool = true) -> OutageJournal.Entry {
        OutageJournal.Entry(key: key, version: version, isValue: isValue)
    }

    private static func back(patterns: Int = 0, refused: Int = 0, isPurge: Bool = false) -> OutageNotice {
        .back(
            OutageReport.Replay(
                end: MonotonicTime(milliseconds: 200), durationMilliseconds: 0, keys: 0, patterns: patterns, refused: refused, isPurge: isPurge),
            awayMilliseconds: 0)
    }

    /// The machine cannot be copied, nor changed within `#expect`.
    private func expect<Value: Equatable>(
        _ actual: Value, _ expected: Value, _ comment: Comment? = nil, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(actual == expected, comment, sourceLocation: location)
    }

    /// What an event leads to, for all that lead anywhere: everything else leaves the state and gives nothing to do.
    private static func expected(_ state: State, _ event: RecoveryEvent) -> (RecoveryDecision, State) {
        func go(_ state: State, _ step: RecoveryStep, _ notices: [OutageNotice] = []) -> (RecoveryDecision, State) {
            (RecoveryDecision(step: step, notices: notices), state)
        }
        let failed = go(.endingConnections, .endConnections, [.away(.failure(.connectionClosed))])
        let notices: [OutageNotice] = event == .recentWritesCollected(isComplete: false) ? [.tooManyRecentWrites(droppedKeys: 0)] : []
        switch (state, event) {
        case (.connected, .stopped): return go(.connected, .wait)
        case (.settlingLateWrites, .stopped): return go(.connected, .wait)
        case (.settlingKeys, .stopped), (.waitingForLateReplies, .stopped): return go(.waitingForLateReplies, .wait)
        case (.retiring, .stopped), (.absent, .stopped): return go(.absent, .wait)
        case (_, .stopped): return go(.lost, .wait)
        case (.refusing, _): return go(.pausingRefusal, .pause(.attempt(0)))
        case (.retiring, _): return go(.absent, .endConnections)
        case (.absent, _): return go(.absent, .wait)
        case (.pausingRefusal, .pauseEnded): return go(.verifyingRefusal, .verifyWrites)
        case (.verifyingRefusal, .writesVerified): return go(.connected, .wait, [Self.back()])
        // What belongs to an attempt that was given up changes nothing: the next one begins.
        case (.lost, _): return go(.endingConnections, .endConnections, notices)
        case (.connected, .stepFailed), (.waitingForLateReplies, .stepFailed): return go(state, .wait)
        case (_, .stepFailed): return failed
        case (.endingConnections, .connectionsEnded): return go(.pausing, .pause(.attempt(0)))
        case (.pausing, .pauseEnded): return go(.probing, .probe)
        case (.probing, .redisAnswered): return go(.identifyingServer, .identifyServer)
        case (.fencing, .connectionsFenced): return go(.identifyingServer, .identifyServer)
        case (.fencing, .fenceRefused): return go(.waitingForEndedConnections, .waitForEndedConnections)
        case (.waitingForEndedConnections, .waitEnded): return go(.identifyingServer, .identifyServer)
        case (.identifyingServer, .serverIdentified("another")): return go(.collectingRecentWrites, .collectRecentWrites)
        case (.identifyingServer, .serverIdentified): return go(.verifyingWrites, .verifyWrites)
        case (.collectingRecentWrites, .recentWritesCollected): return go(.verifyingWrites, .verifyWrites, notices)
        case (.verifyingWrites, .writesVerified): return go(.connectingEventLoops, .connectEventLoops)
        case (.connectingEventLoops, .eventLoopsConnected): return go(.connected, .wait, [Self.back()])
        case (.deletingEverything, .everythingDeleted(let isRefused)):
            return go(.connected, .wait, (isRefused ? [.refused] : []) + [Self.back(refused: isRefused ? 1 : 0, isPurge: true)])
        case (.deletingPattern, .patternDeleted(let isRefused)):
            let replay = Self.back(patterns: isRefused ? 0 : 1, refused: isRefused ? 1 : 0)
            return go(.connected, .wait, (isRefused ? [.refused] : []) + [replay])
        case (.settlingKeys, .keysSettled(let settlement)), (.settlingLateWrites, .keysSettled(let settlement)):
            if settlement.failure != nil { return failed }
            return go(state, .deleteKeys([Self.entry(Self.key, 1)]))
        default: return go(state, .wait)
        }
    }

    @Test(arguments: OutageStateMachine.State.allCases) func everyEventOfTheRecovery(_ state: OutageStateMachine.State) {
        for event in Self.events {
            var course = OutageCourse.to(state)
            let (decision, next) = Self.expected(state, event)
            let actual = course.next(event)
            let reached = course.machine.state
            #expect(actual == decision, "\(event) in \(state)")
            #expect(reached == next, "\(event) in \(state)")
        }
    }

    @Test(arguments: OutageStateMachine.State.allCases) func everyFailure(_ state: OutageStateMachine.State) {
        for reason in [OutageReason.overloaded, .deadlines] {
            var course = OutageCourse.to(state)
            let action = course.failed(reason)
            let reached = course.machine.state
            let gate = course.machine.gate
            guard state.phase != .outage || state.keepsConnections else {
                #expect(action == .ignore && reached == state)
                continue
            }
            // On its way to most states the machine lost Redis for too many deadlines; to this one, at the bound of the journal.
            let isLogged = reason == .overloaded || state.keepsConnections || state.phase == .connected || state == .deletingEverything
            #expect(action == (isLogged ? .closeAndLog : .close), "\(reason) in \(state)")
            #expect(reached == .lost)
            #expect(gate == .closed)
        }
    }

    /// More than the journal can hold has to be deleted before any key can be asked of Redis.
    @Test(arguments: OutageStateMachine.State.allCases) func everyOverflow(_ state: OutageStateMachine.State) {
        var course = OutageCourse.to(state)
        var overflows: [RecordAction] = []
        for key in ["1", "2", "3"] {
            let action = course.record(key)
            if case .overflow = action { overflows.append(action) }
        }
        let reached = course.machine.state
        let mustPurge = course.machine.journal.mustPurge
        let isIgnored = state.phase == .outage && !state.keepsConnections
        #expect(overflows == [.overflow(isIgnored ? .ignore : state == .deletingEverything ? .close : .closeAndLog)])
        #expect(reached == (isIgnored ? state : .lost))
        #expect(mustPurge)
    }

    @Test(arguments: OutageStateMachine.State.allCases) func everyRecord(_ state: OutageStateMachine.State) {
        for isLate in [true, false] {
            var course = OutageCourse.to(state)
            let action = course.record("x", isLate: isLate)
            let wakes = !isLate && (state == .connected || state == .waitingForLateReplies)
            #expect(action == (wakes ? .wake : .none), "in \(state)")
            let isRecorded = course.machine.journal.contains(OutageCourse.bytes("x"))
            let gate = course.machine.gate
            let answers = course.machine.answers(OutageCourse.bytes("x"))
            #expect(isRecorded && answers)
            #expect(gate == (state.asksRedis ? .guarded : .closed))
        }
    }

    /// While Redis is there, the caller deletes what matches a pattern.
    @Test(arguments: OutageStateMachine.State.allCases) func everyPattern(_ state: OutageStateMachine.State) {
        var course = OutageCourse.to(state)
        let before = course.machine.journal.patterns.count
        let action = course.record(pattern: "x*")
        let after = course.machine.journal.patterns.count
        #expect(action == (state.asksRedis ? nil : RecordAction.none))
        #expect(after == (state.asksRedis ? before : before + 1))
        let (loss, isOverflow) = course.machine.failed(.overloaded, pattern: OutageCourse.bytes("y*"), now: course.time)
        let reached = course.machine.state
        let last = course.machine.journal.patterns.last?.bytes
        let isIgnored = state.phase == .outage && !state.keepsConnections
        #expect(loss == (isIgnored ? .ignore : .closeAndLog) && !isOverflow)
        #expect(reached == (isIgnored ? state : .lost))
        // Everything is deleted, if that was under way.
        #expect(last == (state == .deletingEverything ? nil : OutageCourse.bytes("y*")))
    }

    @Test(arguments: OutageStateMachine.State.allCases) func whoAnswers(_ state: OutageStateMachine.State) {
        let course = OutageCourse.to(state)
        let gate = course.machine.gate
        #expect(gate == (state == .connected ? .open : state.asksRedis ? .guarded : .closed))
    }

    // MARK: Courses

    @Test func aStartTriesAtOnce() {
        var course = OutageCourse()
        let decisions = [course.next(.woken), course.next(.connectionsEnded([]))]
        #expect(decisions == [RecoveryDecision(step: .endConnections), RecoveryDecision(step: .probe)])
    }

    /// The connections that ended are fenced once Redis answers, however many attempts it takes.
    @Test func whatHasEndedIsFencedOnce() {
        var course = OutageCourse.to(.lost)
        course.next(.woken)
        course.next(.connectionsEnded([1]))
        course.next(.pauseEnded)
        course.next(.stepFailed(.connectionClosed))
        course.next(.connectionsEnded([2, 3]))
        course.next(.pauseEnded)
        self.expect(course.next(.redisAnswered).step, .fence([1, 2, 3]))
        course.next(.stepFailed(.connectionClosed))
        course.next(.connectionsEnded([4]))
        course.next(.pauseEnded)
        self.expect(course.next(.redisAnswered).step, .fence([1, 2, 3, 4]))
        course.next(.connectionsFenced)
        course.failed()
        course.next(.stepFailed(.connectionClosed))
        course.next(.connectionsEnded([]))
        course.next(.pauseEnded)
        self.expect(course.next(.redisAnswered).step, .identifyServer)
    }

    /// What another server lacks is deleted from it, also if the attempt that found out comes to nothing.
    @Test func recentWritesAreInvalidatedIfAnotherServerAnswers() {
        var course = OutageCourse.to(.connected)
        course.machine.deleted(pattern: OutageCourse.bytes("old*"), now: MonotonicTime(milliseconds: -5000))
        course.machine.deleted(pattern: OutageCourse.bytes("new*"), now: course.time)
        course.failed()
        // Written anew without Redis: its record stays what it is.
        course.record("anew")
        let anew = course.machine.journal.entries(limit: 1)
        course.advance(to: .identifyingServer)
        self.expect(course.next(.serverIdentified("another")).step, .collectRecentWrites)
        for key in [OutageCourse.bytes("anew"), Self.key] {
            let isOverflow = course.machine.record(recentWrite: key, now: course.time)
            #expect(!isOverflow)
        }
        course.failed()
        self.expect(course.next(.recentWritesCollected(isComplete: true)).step, .endConnections)
        let patterns = course.machine.journal.patterns.map(\.bytes)
        #expect(patterns == [OutageCourse.bytes("new*")])
        let entries = course.machine.journal.entries(limit: 9)
        #expect(entries.count == 2 && anew.count == 1 && entries.contains(anew[0]))
        #expect(entries.filter { $0.key == Self.key }.map(\.isValue) == [false])
        // It is still another one than the last that was trusted.
        course.advance(to: .identifyingServer)
        self.expect(course.next(.serverIdentified("another")).step, .collectRecentWrites)
        course.next(.recentWritesCollected(isComplete: true))
        course.next(.stepFailed(.connectionClosed))
        course.advance(to: .identifyingServer)
        self.expect(course.next(.serverIdentified("another")).step, .verifyWrites)
        // A third server may lack what was just replayed to the second.
        course.advance(to: .connected)
        course.failed()
        course.advance(to: .identifyingServer)
        self.expect(course.next(.serverIdentified("third")).step, .collectRecentWrites)
        let replayed = course.machine.takeReplayedKeys()
        #expect(Set(replayed ?? []) == [OutageCourse.bytes("anew"), Self.key])
        course.next(.recentWritesCollected(isComplete: true))
        self.expect(course.machine.journal.patterns.map(\.bytes), [OutageCourse.bytes("new*")])
    }

    /// More patterns than the journal takes were deleted lately: everything is deleted. Those of long ago do not count.
    @Test(arguments: [false, true]) func moreRecentPatternsThanTheJournalTakes(_ isLongAgo: Bool) {
        var course = OutageCourse { $0.journalPatterns = 2 }
        course.advance(to: .connected)
        for pattern in ["a*", "b*", "c*"] { course.machine.deleted(pattern: OutageCourse.bytes(pattern), now: course.time) }
        if isLongAgo {
            course.now += 2001
            course.machine.deleted(pattern: OutageCourse.bytes("d*"), now: course.time)
        }
        course.failed()
        course.advance(to: .identifyingServer)
        course.next(.serverIdentified("another"))
        self.expect(course.next(.recentWritesCollected(isComplete: true)).notices, isLongAgo ? [] : [.journalFull])
        self.expect(course.machine.journal.mustPurge, !isLongAgo)
        let patterns = course.machine.journal.patterns.map(\.bytes)
        #expect(patterns == (isLongAgo ? [OutageCourse.bytes("d*")] : []))
    }

    /// The log says once that everything will be deleted.
    @Test func tooManyRecentWritesChangeNothingIfEverythingMustBeDeleted() {
        var course = OutageCourse.to(.connected)
        _ = course.overflow()
        course.advance(to: .identifyingServer)
        course.next(.serverIdentified("another"))
        let decision = course.next(.recentWritesCollected(isComplete: false))
        #expect(decision == RecoveryDecision(step: .verifyWrites))
    }

    @Test func aPatternMayBeOneTooMany() {
        var course = OutageCourse { $0.journalPatterns = 1 }
        let first = course.machine.failed(.overloaded, pattern: OutageCourse.bytes("a*"), now: course.time)
        let second = course.machine.failed(.overloaded, pattern: OutageCourse.bytes("b*"), now: course.time)
        let third = course.machine.failed(.overloaded, pattern: OutageCourse.bytes("c*"), now: course.time)
        #expect(first == (.ignore, false) && second == (.ignore, true) && third == (.ignore, false))
    }

    /// A write that is restored needs no such deletion, and the first server of all is not another one.
    @Test func aServerThatIsNotAnother() {
        for (first, second) in [("one", nil), (nil, "one"), ("one", "one")] as [(String?, String?)] {
            var course = OutageCourse()
            for server in [first, second] {
                course.advance(to: .identifyingServer)
                self.expect(course.next(.serverIdentified(server)).step, .verifyWrites)
                course.advance(to: .connected)
                course.failed()
            }
        }
    }

    /// Patterns come before keys, and each is deleted after the last time that it was asked for.
    @Test func theOrderOfAReplay() {
        var course = OutageCourse.to(.lost)
        course.record("k")
        course.record(pattern: "a*")
        course.record(pattern: "b*")
        course.advance(to: .connectingEventLoops)
        self.expect(course.next(.eventLoopsConnected).step, .deletePattern(OutageCourse.bytes("a*")))
        course.record(pattern: "a*")
        self.expect(course.next(.patternDeleted(isRefused: false)).step, .deletePattern(OutageCourse.bytes("a*")))
        self.expect(course.next(.patternDeleted(isRefused: false)).step, .deletePattern(OutageCourse.bytes("b*")))
        let decision = course.next(.patternDeleted(isRefused: false))
        #expect(decision.step == .deleteKeys([Self.entry(Self.key, 1)]))
        let settled = course.next(.keysSettled(Settlement(settled: [Self.entry(Self.key, 1)])))
        #expect(settled.forgotten == [Self.key])
        let gate = course.machine.gate
        #expect(gate == .open)
    }

    @Test func aLateReplyEndsTheReplay() {
        var course = OutageCourse.to(.waitingForLateReplies)
        let canSettle = course.machine.repliedLate(Self.late)
        #expect(canSettle)
        self.expect(course.next(.woken).step, .deleteKeys([Self.entry(Self.late, 2)]))
        course.next(course.success())
        let state = course.machine.state
        #expect(state == .connected)
    }

    /// One connection may end over any value; the values then go one by one, until the one that ends connections is found and given up.
    @Test func aValueThatEndsConnectionsIsGivenUp() {
        var course = OutageCourse {
            $0.writes = .restore
            $0.journalKeys = 9
        }
        for key in ["a", "b", "c"] { course.record(key) }
        course.advance(to: .settlingKeys)
        var sizes: [Int] = []
        var haveValues: [Bool] = []
        for _ in 0..<4 {
            guard case .restoreKeys(let entries) = course.step else { break }
            sizes.append(entries.count)
            haveValues.append(entries.allSatisfy(\.isValue))
            // Redis is gone, as event loops notice first: what ended over the value counts all the same.
            course.failed(.failure(.connectionClosed))
            course.next(.keysSettled(Settlement(failure: .connectionClosed, interruptedValues: entries)))
            course.advance(to: .settlingKeys)
        }
        #expect(sizes == [3, 1, 1, 1])
        #expect(haveValues == [true, true, true, true], "a connection that ends over several values says nothing of one")
        guard case .restoreKeys(let entries) = course.step else {
            Issue.record("nothing is settled")
            return
        }
        #expect(entries.map(\.refusal) == [.connectionLost] && entries.map(\.isValue) == [false])
        let next = course.next(.keysSettled(Settlement(settled: entries)))
        guard case .restoreKeys(let rest) = next.step else {
            Issue.record("two keys are left")
            return
        }
        #expect(rest.count == 2, "more in one step again")
        #expect(next.notices == [.refused])
    }

    @Test func aRefusedValueBecomesADeletion() {
        var course = OutageCourse { $0.writes = .restore }
        course.record("k")
        course.advance(to: .settlingKeys)
        var refused = Self.entry(Self.key, 1)
        refused.refusal = .outOfMemory
        let decision = course.next(.keysSettled(Settlement(refusedValues: [refused])))
        refused.isValue = false
        #expect(decision == RecoveryDecision(step: .restoreKeys([refused])))
        course.next(.keysSettled(Settlement(settled: [refused])))
        let counters = course.machine.counters
        #expect(counters.refusedKeys == [.outOfMemory: 1] && counters.replayedKeys == 0)
    }

    @Test func sinceAndReason() {
        var course = OutageCourse.to(.settlingKeys)
        course.now = 900
        course.failed(.overloaded)
        // A failed replay does not make the outage younger, and the reason is the last.
        self.expect(course.machine.since, MonotonicTime(milliseconds: 200))
        self.expect(course.machine.reason, .overloaded)
        self.expect(OutageCourse.to(.connected).machine.since, MonotonicTime(milliseconds: 100))
    }

    /// Each reason is logged once in an outage, and again in the next.
    @Test func reasonsAreLoggedOnce() {
        var course = OutageCourse.to(.lost)
        course.next(.woken)
        let failures: [RedisFailure] = [.connectionClosed, .queueFull, .connectionClosed]
        let notices = failures.map { course.next(.stepFailed($0)).notices.count }
        #expect(notices == [1, 1, 0])
        course.advance(to: .connected)
        self.expect(course.failed(.failure(.queueFull)), .closeAndLog)
    }

    /// Pauses grow while Redis does not stay, and begin anew once it has stayed.
    @Test func pauses() {
        var course = OutageCourse.to(.lost)
        func pause(_ course: inout OutageCourse) -> RecoveryStep {
            course.next(.woken)
            return course.next(.connectionsEnded([])).step
        }
        self.expect(pause(&course), .pause(.attempt(0)))
        course.next(.stepFailed(.connectionClosed))
        self.expect(course.next(.connectionsEnded([])).step, .pause(.attempt(1)))
        course.advance(to: .connected)
        course.now += 999
        course.failed()
        self.expect(pause(&course), .pause(.attempt(1)))
        course.advance(to: .connected)
        course.now += 1000
        course.failed()
        self.expect(pause(&course), .pause(.attempt(0)))
        course.next(.stepFailed(RedisFailure(.authenticationFailed)))
        self.expect(course.next(.connectionsEnded([])).step, .pause(.capped), "a person has to change something")
    }
}
