import MemoryStore
import RedisClient

@testable import Cache

/// A state machine on its way through an outage, for tests: it keeps the step under way.
struct OutageCourse: ~Copyable {
    static let servers = ["one", "another"]
    static let failure = RedisFailure.connectionClosed
    static let clusterDown = OutageReason.failure(RedisFailure(.serverError, "The cluster is down", prefix: "CLUSTERDOWN"))

    var machine: OutageStateMachine
    var step = RecoveryStep.wait
    var now: Int64 = 0

    init(_ change: (inout OutageSettings) -> Void = { _ in }) {
        var settings = OutageSettings()
        settings.journalKeys = 2
        change(&settings)
        self.machine = OutageStateMachine(settings, now: MonotonicTime(milliseconds: 0))
    }

    var time: MonotonicTime { MonotonicTime(milliseconds: self.now) }

    static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @discardableResult
    mutating func next(_ event: RecoveryEvent) -> RecoveryDecision {
        let decision = self.machine.next(event, now: self.time)
        self.step = decision.step
        return decision
    }

    @discardableResult
    mutating func failed(_ reason: OutageReason = .deadlines) -> LossAction { self.machine.failed(reason, now: self.time) }

    @discardableResult
    mutating func record(_ key: String, isValue: Bool = true, isLate: Bool = false) -> RecordAction {
        self.machine.record(Self.bytes(key), isValue: isValue, isLate: isLate, now: self.time)
    }

    @discardableResult
    mutating func record(pattern: String) -> RecordAction? { self.machine.record(pattern: Self.bytes(pattern), now: self.time) }

    /// More than the journal takes.
    mutating func overflow() -> RecordAction {
        self.record("1")
        self.record("2")
        return self.record("3")
    }

    /// What comes of the step under way if all goes well.
    func success(server: String? = OutageCourse.servers[0]) -> RecoveryEvent { self.step.success(server: server) }

    /// Goes on without a failure until the machine is in `state`.
    mutating func advance(to state: OutageStateMachine.State) {
        for _ in 0..<20 where self.machine.state != state { self.next(self.success()) }
        precondition(self.machine.state == state, "not on the way")
    }

    /// A machine that went the shortest way to a state. Redis was there at 100 ms and away from 200 ms on.
    static func to(_ state: OutageStateMachine.State) -> OutageCourse {
        var course = OutageCourse()
        course.now = 100
        course.advance(to: .connected)
        course.now = 200
        switch state {
        case .connected:
            return course
        case .settlingLateWrites:
            course.record("k", isLate: true)
            _ = course.machine.repliedLate(Self.bytes("k"))
            course.next(.woken)
            return course
        case .lost, .endingConnections, .pausing, .probing, .identifyingServer, .verifyingWrites, .connectingEventLoops:
            course.failed()
        case .refusing, .pausingRefusal, .verifyingRefusal:
            course.failed(Self.clusterDown)
        case .retiring, .absent:
            course.machine.retire(now: course.time)
        case .fencing, .waitingForEndedConnections:
            course.failed()
            course.advance(to: .endingConnections)
            course.next(.connectionsEnded([7]))
            course.advance(to: .fencing)
            if state == .waitingForEndedConnections { course.next(.fenceRefused) }
        case .collectingRecentWrites:
            course.failed()
            course.advance(to: .identifyingServer)
            course.next(.serverIdentified(Self.servers[1]))
        case .deletingEverything:
            _ = course.overflow()
        case .deletingPattern:
            course.failed()
            course.record(pattern: "p*")
        case .settlingKeys:
            course.failed()
            course.record("k")
        case .waitingForLateReplies:
            course.failed()
            course.record("k")
            course.advance(to: .settlingKeys)
            course.record("late", isLate: true)
        }
        course.advance(to: state)
        return course
    }
}

extension RecoveryStep {
    /// What comes of the step if all goes well.
    func success(server: String? = OutageCourse.servers[0]) -> RecoveryEvent {
        switch self {
        case .wait: .woken
        case .endConnections: .connectionsEnded([])
        case .pause: .pauseEnded
        case .probe: .redisAnswered
        case .fence: .connectionsFenced
        case .waitForEndedConnections: .waitEnded
        case .identifyServer: .serverIdentified(server)
        case .collectRecentWrites: .recentWritesCollected(isComplete: true)
        case .verifyWrites: .writesVerified
        case .connectEventLoops: .eventLoopsConnected
        case .deleteEverything: .everythingDeleted(isRefused: false)
        case .deletePattern: .patternDeleted(isRefused: false)
        case .deleteKeys(let entries), .restoreKeys(let entries): .keysSettled(Settlement(settled: entries))
        }
    }
}

extension OutageGate {
    /// Opens the gate of every shard as a recovery does that meets no failure, and settles all keys that wait for a replay.
    func openForTest() {
        for shard in 0..<self.shardCount {
            var step = self.next(.woken, shard: shard)
            while step != .wait { step = self.next(step.success(), shard: shard) }
        }
    }
}
