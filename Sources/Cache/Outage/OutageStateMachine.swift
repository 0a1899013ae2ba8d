import Backoff
import MemoryStore
import NIOCore
import RedisClient

/// An outage of one shard from loss to return, as a value: what happened goes in, and what is to be done comes out. `OutageGate` keeps it under a lock,
/// and `OutageRecovery` performs its steps. A single Redis is one shard.
///
///     lost ─► endingConnections ─► pausing ─► probing ─► fencing ─► identifyingServer ─► verifyingWrites ─► connectingEventLoops ─┐
///      ▲                                                            (collectingRecentWrites)                                     │
///      │          ┌──────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
///   any failure   └─► deletingEverything ─► deletingPattern, one by one ─► settlingKeys ─► connected ◄─► settlingLateWrites
///
/// Memory answers for every key up to `settlingKeys`; from there on, only for the keys of the journal. docs/outages.md has the table of all states
/// and events, which is made by driving this value.
///
/// A node of a cluster that is down says so over connections that live. Then nothing has to be ended or fenced: `refusing` only waits until the node
/// takes writes again.
///
///     refusing ─► pausingRefusal ─► verifyingRefusal ─► deletingEverything, deletingPattern, settlingKeys as above
///         ▲                                │
///         └──── the cluster is down ───────┘
///
/// A shard that has lost its last slot is `absent`, as is the one that stands for slots that no node serves.
///
/// An attempt that was given up does not affect the next one: a failure that others report leads to `lost`, where no step is under way, so the
/// result of a step that arrives then belongs to the past. Only `next` has to check that.
struct OutageStateMachine {
    private(set) var state: State
    private(set) var journal: OutageJournal
    private(set) var counters = OutageCounters()
    /// Since when Redis is there or away.
    private(set) var since: MonotonicTime
    /// Why Redis is away, or was last.
    private(set) var reason: OutageReason
    /// What the log has said of this outage.
    private var loggedReasons: Set<OutageReason> = [.starting]
    /// Attempts that failed since Redis was last there for long enough: pauses grow with them.
    private var failedAttempts = 0
    /// Connections that ended, and over which Redis may still read commands.
    private var unfenced: [Int64] = []
    /// Which server Redis was, as it calls itself, and which one answers this attempt.
    private var server: String?
    private var answeringServer: String?
    /// Whether the node is another one for sure, as the slots have come from elsewhere.
    private var isAnother = false
    /// A server that takes over may lack it.
    private var recentChanges: RecentChanges
    private var replay: OutageReplay
    private let stableMilliseconds: Int64

    /// - Parameter isAbsent: whether there is no node to look for yet.
    init(_ settings: OutageSettings, inCluster: Bool = false, isAbsent: Bool = false, now: MonotonicTime) {
        self.state = isAbsent ? .absent : .lost
        self.reason = isAbsent ? .uncovered : .starting
        self.journal = OutageJournal(settings)
        self.since = now
        self.replay = OutageReplay(settings)
        self.recentChanges = RecentChanges(settings, inCluster: inCluster)
        self.stableMilliseconds = settings.pauseCap.nanoseconds / 1_000_000
    }

    var gate: GatePosition {
        guard self.state.asksRedis else { return .closed }
        return self.state.phase == .connected && self.journal.isEmpty ? .open : .guarded
    }

    /// Whether memory answers for a key.
    func answers(_ key: [UInt8]) -> Bool { !self.state.asksRedis || self.journal.contains(key) }

    // MARK: What event loops and invalidations report

    /// Something that an event loop or an invalidation met with means that Redis is away.
    mutating func failed(_ reason: OutageReason, now: MonotonicTime) -> LossAction {
        switch self.state.phase {
        case .outage where self.state.keepsConnections && !reason.isClusterDown:
            return self.lose(reason, now) ? .closeAndLog : .close
        case .outage where reason == .failedOver:
            // What was true of the node that was says nothing of the one that is.
            self.failedAttempts = 0
            return .ignore
        case .outage:
            // The connections that are being ended fail too; the reason is the first.
            return .ignore
        case .connected, .replay:
            return self.lose(reason, now) ? .closeAndLog : .close
        }
    }

    /// - Returns: whether the log has not named the reason in this outage.
    private mutating func lose(_ reason: OutageReason, _ now: MonotonicTime) -> Bool {
        switch self.state.phase {
        case .connected:
            if now.milliseconds - self.since.milliseconds >= self.stableMilliseconds { self.failedAttempts = 0 }
            self.since = now
            self.loggedReasons = []
            self.replay.begin()
            self.counters.outages += 1
        case .outage, .replay:
            self.failedAttempts += 1
            self.counters.failedAttempts += 1
        }
        self.reason = reason
        if reason.isClusterDown, self.state.asksRedis || self.state.keepsConnections {
            self.journal.abandonPurge()
            self.state = .refusing
        } else {
            self.abandonAttempt()
        }
        return self.loggedReasons.insert(reason).inserted
    }

    private mutating func abandonAttempt() {
        self.journal.forgetLateCommands()
        self.journal.abandonPurge()
        self.state = .lost
    }

    // MARK: The shard

    /// The shard has slots, and a node that serves them: it is looked for.
    mutating func activate(now: MonotonicTime) {
        guard self.state == .absent || self.state == .retiring else { return }
        self.isAnother = true
        self.state = .lost
        self.reason = .starting
        self.loggedReasons = [.starting]
        self.since = now
    }

    /// The shard has no slots any more.
    mutating func retire(now: MonotonicTime) {
        guard self.state != .absent, self.state != .retiring else { return }
        self.journal.forgetLateCommands()
        self.unfenced = []
        self.failedAttempts = 0
        self.reason = .uncovered
        self.since = now
        self.state = .retiring
    }

    /// Slots move to another shard.
    /// - Returns: what Redis has missed of them.
    mutating func giveUp(slots: Set<UInt16>) -> SlotDebt {
        SlotDebt(
            records: self.journal.remove(slots: slots), patterns: self.state.asksRedis ? [] : self.journal.patterns.map(\.bytes),
            isEverything: !self.state.asksRedis && self.journal.mustPurge)
    }

    /// Keys have slots from now on.
    mutating func becameCluster(_ settings: OutageSettings, slot: ([UInt8]) -> UInt16) {
        self.recentChanges.becameCluster(settings)
        self.journal.assignSlots(slot)
    }

    /// The last slot has moved to another shard, and with it whatever was still to be done.
    mutating func forgetSlots() { self.journal.removeAll() }

    /// Slots have come from another shard. A pattern concerns keys that cannot be listed, so memory answers until it is deleted: Redis counts as lost.
    mutating func takeOver(_ debt: SlotDebt, slot: ([UInt8]) -> UInt16, now: MonotonicTime) -> RecordAction {
        let isOverflow = self.overflows { journal in
            for (key, isValue) in debt.records { journal.touch(key, slot: slot(key), isValue: isValue, now: now) }
            for pattern in debt.patterns { journal.append(pattern: pattern, now: now) }
            if debt.isEverything { journal.collapse(now: now) }
        }
        if isOverflow { return .overflow(self.failed(.journalFull, now: now)) }
        guard debt.patterns.isEmpty, !debt.isEverything else { return .lose(self.failed(.slotsMoved, now: now)) }
        return self.state.isIdle && !debt.records.isEmpty ? .wake : .none
    }

    // MARK: What the journal is asked to record

    /// A key was written or deleted without Redis.
    /// - Parameter isLate: Redis may still carry out a command for it, over a connection that lives.
    mutating func record(_ key: [UInt8], slot: UInt16 = 0, isValue: Bool, isLate: Bool, now: MonotonicTime) -> RecordAction {
        // Every connection that does not live is ended before Redis is asked again, so nothing of it is late.
        let isLate = isLate && (self.state.asksRedis || self.state.keepsConnections)
        let isOverflow = self.overflows { $0.touch(key, slot: slot, isValue: isValue, isLate: isLate, now: now) }
        guard !isOverflow else { return .overflow(self.failed(.journalFull, now: now)) }
        return self.state.isIdle && !isLate ? .wake : .none
    }

    /// A pattern is to be invalidated, and the keys that the journal holds have been compared with it.
    /// - Returns: nil if Redis is there, and the caller has to delete the keys from it; else the journal has taken the pattern.
    mutating func record(pattern: [UInt8], now: MonotonicTime) -> RecordAction? {
        guard !self.state.asksRedis else { return nil }
        let isOverflow = self.overflows { $0.append(pattern: pattern, now: now) }
        return isOverflow ? .overflow(self.failed(.journalFull, now: now)) : RecordAction.none
    }

    /// A pattern could not be deleted from Redis: it is remembered, and Redis is lost.
    mutating func failed(_ reason: OutageReason, pattern: [UInt8], now: MonotonicTime) -> (LossAction, isOverflow: Bool) {
        let isOverflow = self.overflows { $0.append(pattern: pattern, now: now) }
        return (self.failed(reason, now: now), isOverflow: isOverflow)
    }

    /// Keys are being invalidated: what they held must not be written to Redis any more.
    mutating func forgetValues(of keys: some Sequence<[UInt8]>) { self.journal.forgetValues(of: keys) }

    /// An invalidation has deleted what matches a pattern from Redis.
    mutating func deleted(pattern: [UInt8], now: MonotonicTime) { self.recentChanges.deleted(pattern: pattern, now: now) }

    /// A command that was given up has been answered.
    /// - Returns: whether its key can be settled now.
    mutating func repliedLate(_ key: [UInt8]) -> Bool { self.journal.repliedLate(key) }

    /// A key that another server may lack is to be deleted from it.
    /// - Returns: whether the journal has reached its bound. The next attempt step deletes everything then.
    mutating func record(recentWrite key: [UInt8], slot: UInt16 = 0, now: MonotonicTime) -> Bool {
        guard !self.journal.contains(key) else { return false }
        return self.overflows { $0.touch(key, slot: slot, isValue: false, now: now) }
    }

    /// What the journals of other shards hold.
    mutating func share(keysElsewhere: Int, bytesElsewhere: Int) {
        self.journal.share(keysElsewhere: keysElsewhere, bytesElsewhere: bytesElsewhere)
    }

    /// Changes the journal. Returns whether that has taken it to its bound.
    private mutating func overflows(_ change: (inout OutageJournal) -> Void) -> Bool {
        let overflows = self.journal.overflows
        change(&self.journal)
        return self.journal.overflows > overflows
    }

    /// The keys that a replay has settled lately, which are forgotten; nil if they were more than is remembered.
    mutating func takeReplayedKeys() -> [[UInt8]]? { self.recentChanges.takeReplayedKeys() }

    /// See `OutageJournal.takeDropped`.
    mutating func takeDropped() -> OutageJournal.Records { self.journal.takeDropped() }

    // MARK: What comes of the recovery's steps

    /// Takes what came of the last step, and gives the next one.
    mutating func next(_ event: RecoveryEvent, now: MonotonicTime) -> RecoveryDecision {
        let notices = self.take(event, now)
        // Redis was lost while the step was under way: an attempt begins anew.
        var decision = self.restart(after: event) ?? self.decide(event, now)
        decision.notices.insert(contentsOf: notices, at: 0)
        return decision
    }

    /// What is true whatever became of the attempt.
    private mutating func take(_ event: RecoveryEvent, _ now: MonotonicTime) -> [OutageNotice] {
        switch event {
        case .connectionsEnded(let identifiers):
            self.unfenced += identifiers
        case .recentWritesCollected(let isComplete):
            guard self.state == .collectingRecentWrites || self.state == .lost else { return [] }
            guard isComplete, !self.recentChanges.wasPurged(now: now) else { return self.giveUpRecords(now) }
            let patterns = self.recentChanges.takePatterns()
            let isOverflow = self.overflows { journal in
                for pattern in patterns { journal.append(pattern: pattern, now: now) }
            }
            return isOverflow ? [.journalFull] : []
        case .keysSettled(let settlement) where !settlement.interruptedValues.isEmpty:
            self.replay.interrupted(settlement.interruptedValues, &self.journal)
        case .keysSettled, .woken, .pauseEnded, .redisAnswered, .connectionsFenced, .fenceRefused, .waitEnded, .serverIdentified, .writesVerified,
            .eventLoopsConnected, .everythingDeleted, .patternDeleted, .stepFailed, .stopped:
            break
        }
        return []
    }

    private mutating func giveUpRecords(_ now: MonotonicTime) -> [OutageNotice] {
        guard !self.journal.mustPurge else { return [] }
        defer { self.journal.collapse(now: now) }
        return [.tooManyRecentWrites(droppedKeys: self.journal.keyCount)]
    }

    /// An attempt begins anew if the state has changed while the step was under way.
    private mutating func restart(after event: RecoveryEvent) -> RecoveryDecision? {
        guard event != .stopped else { return nil }
        switch self.state {
        case .lost: return self.begin()
        case .refusing: return self.go(.pausingRefusal, .pause(.attempt(self.failedAttempts)))
        case .retiring: return self.go(.absent, .endConnections)
        default: return nil
        }
    }

    private mutating func begin() -> RecoveryDecision { self.go(.endingConnections, .endConnections) }

    private mutating func go(_ state: State, _ step: RecoveryStep) -> RecoveryDecision {
        self.state = state
        return RecoveryDecision(step: step)
    }

    /// - Returns: `wait` for what cannot come of the step under way.
    private mutating func decide(_ event: RecoveryEvent, _ now: MonotonicTime) -> RecoveryDecision {
        guard event.isPossible(in: self.state) else { return RecoveryDecision(step: .wait) }
        switch event {
        case .woken:
            return self.settleNext(now)
        case .connectionsEnded:
            // The first attempt of all comes at once.
            guard self.reason != .starting else { return self.go(.probing, .probe) }
            return self.go(.pausing, .pause(self.reason.isConfiguration ? .capped : .attempt(self.failedAttempts)))
        case .pauseEnded:
            return self.state == .pausingRefusal ? self.go(.verifyingRefusal, .verifyWrites) : self.go(.probing, .probe)
        case .redisAnswered:
            self.counters.replay = OutageCounters.Replay(begin: now)
            return self.unfenced.isEmpty ? self.go(.identifyingServer, .identifyServer) : self.go(.fencing, .fence(self.unfenced))
        case .fenceRefused:
            return self.go(.waitingForEndedConnections, .waitForEndedConnections)
        case .connectionsFenced, .waitEnded:
            self.unfenced = []
            return self.go(.identifyingServer, .identifyServer)
        case .serverIdentified(let identifier):
            self.answeringServer = identifier ?? self.server
            let isSame = self.server == nil || self.answeringServer == self.server
            guard !isSame || self.isAnother else { return self.verify() }
            return self.go(.collectingRecentWrites, .collectRecentWrites)
        case .recentWritesCollected:
            self.isAnother = false
            return self.verify()
        case .writesVerified where self.state == .verifyingRefusal:
            self.counters.replay = OutageCounters.Replay(begin: now)
            return self.replayNext(now)
        case .writesVerified:
            return self.go(.connectingEventLoops, .connectEventLoops)
        case .eventLoopsConnected:
            return self.replayNext(now)
        case .everythingDeleted(let isRefused):
            self.recentChanges.purged(now: now)
            return self.replayNext(now, after: self.replay.everythingDeleted(isRefused: isRefused, &self.journal, &self.counters))
        case .patternDeleted(let isRefused):
            if !isRefused, let pattern = self.journal.patterns.first { self.deleted(pattern: pattern.bytes, now: now) }
            return self.replayNext(now, after: self.replay.patternDeleted(isRefused: isRefused, &self.journal, &self.counters))
        case .keysSettled(let settlement):
            return self.settle(settlement, now)
        case .stepFailed(let failure):
            return self.stepFailed(failure, now)
        case .stopped:
            return self.stop()
        }
    }

    private mutating func verify() -> RecoveryDecision {
        self.server = self.answeringServer
        return self.go(.verifyingWrites, .verifyWrites)
    }

    private mutating func stepFailed(_ failure: RedisFailure, _ now: MonotonicTime) -> RecoveryDecision {
        let reason = OutageReason.failure(failure)
        let isToBeLogged = self.lose(reason, now)
        var decision = self.restart(after: .stepFailed(failure)) ?? RecoveryDecision(step: .wait)
        if isToBeLogged { decision.notices = [.away(reason)] }
        return decision
    }

    /// What the recovery had in hand is given up. It is no failure of Redis, and changes nothing for who answers.
    private mutating func stop() -> RecoveryDecision {
        if self.state == .absent || self.state == .retiring {
            self.state = .absent
        } else if self.state.asksRedis {
            self.state = self.state.phase == .connected ? .connected : .waitingForLateReplies
        } else {
            self.abandonAttempt()
        }
        return RecoveryDecision(step: .wait)
    }

    // MARK: Replay

    private mutating func replayNext(_ now: MonotonicTime, after notices: [OutageNotice] = []) -> RecoveryDecision {
        var decision: RecoveryDecision
        if let (state, step) = self.replay.sharedStep(&self.journal) {
            decision = self.go(state, step)
        } else {
            self.state = .settlingKeys
            decision = self.settleNext(now)
        }
        decision.notices.insert(contentsOf: notices, at: 0)
        return decision
    }

    private mutating func settleNext(_ now: MonotonicTime) -> RecoveryDecision {
        let isConnected = self.state.phase == .connected
        if let step = self.replay.keyStep(self.journal) { return self.go(isConnected ? .settlingLateWrites : .settlingKeys, step) }
        guard !isConnected else { return self.go(.connected, .wait) }
        guard self.journal.isEmpty else { return self.go(.waitingForLateReplies, .wait) }
        let away = now.milliseconds - self.since.milliseconds
        self.since = now
        self.state = .connected
        return RecoveryDecision(step: .wait, notices: [.back(self.counters.endReplay(now), awayMilliseconds: away)])
    }

    private mutating func settle(_ settlement: Settlement, _ now: MonotonicTime) -> RecoveryDecision {
        let (notices, forgotten) = self.replay.settled(settlement, &self.journal, &self.counters)
        self.recentChanges.replayed(settlement.settled, now: now)
        var decision = settlement.failure.map { self.stepFailed($0, now) } ?? self.settleNext(now)
        decision.notices.insert(contentsOf: notices, at: 0)
        decision.forgotten = forgotten
        return decision
    }
}
