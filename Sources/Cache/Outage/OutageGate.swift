import HashTreeCollections
package import Logging
package import MemoryStore
package import NIOCore
import RedisClient
import Synchronization

/// Decides for every operation on a key whether Redis is asked or memory answers, for all event loops alike.
///
/// While Redis is there and has missed nothing, the answer is one load of an atomic. Otherwise the state machine with its journal is asked under a
/// lock, except for reads while the gate is closed, which memory answers alone.
///
/// Invariant: what the embedded store holds are the values of keys in the journal, unless the journal must delete everything. So a key that leaves
/// the journal leaves the store under the same lock, and no later outage finds an old value there.
package final class OutageGate: Sendable {
    let settings: OutageSettings
    let memory: EmbeddedStore
    /// Copies of reads, which are what was last known in an outage; nil if none are kept.
    package let near: NearCache?
    private let staleMilliseconds: Int64
    private let logger: Logger
    private let machine: Mutex<OutageStateMachine>
    /// What the machine says of the gate; changes only under the lock.
    private let position = Atomic<UInt8>(GatePosition.closed.rawValue)
    /// Wakes the recovery if there may be something to do for it.
    let demands: AsyncStream<Void>
    private let demand: AsyncStream<Void>.Continuation
    /// Ends when the first attempt to reach Redis has ended, well or not.
    private let firstAttempt: AsyncStream<Void>
    private let endFirstAttempt: AsyncStream<Void>.Continuation

    package init(memory: MemoryStore, near: NearCache? = nil, settings: OutageSettings, logger: Logger) {
        self.settings = settings
        self.near = near
        self.staleMilliseconds = settings.staleLimit.nanoseconds / 1_000_000
        self.memory = EmbeddedStore(memory, source: .outage)
        self.logger = logger
        self.machine = Mutex(OutageStateMachine(settings, now: .now))
        (self.demands, self.demand) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (self.firstAttempt, self.endFirstAttempt) = AsyncStream.makeStream()
        self.demand.yield()
    }

    /// Whether Redis is asked for any key.
    var isOpen: Bool { self.position.load(ordering: .acquiring) == GatePosition.open.rawValue }

    /// Whether the node of a shard is asked for any of its keys.
    func isOpen(_ shard: Int) -> Bool { self.isOpen }

    /// Whether Redis is asked at all.
    package var isRedisAsked: Bool { self.position.load(ordering: .acquiring) != GatePosition.closed.rawValue }

    /// Changes the machine, and moves the gate under the same lock.
    private func withMachine<Result: Sendable>(_ body: (inout OutageStateMachine) -> Result) -> Result {
        self.machine.withLock { machine in
            let result = body(&machine)
            self.position.store(machine.gate.rawValue, ordering: .releasing)
            return result
        }
    }

    // MARK: Operations on a key

    /// - Parameter acceptsCopy: whether what was last known may be the answer.
    /// - Returns: nil if Redis is to be asked.
    func get(_ key: ByteBuffer, slot: UInt16 = 0, shard: Int = 0, acceptsCopy: Bool, now: MonotonicTime) -> CacheAnswer? {
        switch GatePosition(rawValue: self.position.load(ordering: .acquiring)) {
        case .open, nil:
            return nil
        case .closed:
            return self.read(key, slot, acceptsCopy: acceptsCopy, now: now)
        case .guarded:
            return self.machine.withLock { machine in
                machine.answers(key.bytes) ? self.memory.get(key, now: now) : nil
            }
        }
    }

    /// - Returns: nil if Redis is to be asked.
    func set(_ key: ByteBuffer, slot: UInt16 = 0, value: ByteBuffer, ttlSeconds: Int64?, now: MonotonicTime) -> CacheAnswer? {
        guard !self.isOpen else { return nil }
        let bytes = key.bytes
        return self.record(bytes) { machine in
            guard machine.answers(bytes) else { return nil }
            return self.store(key, bytes, value, ttlSeconds, isLate: false, now, &machine)
        }
    }

    /// - Returns: nil if Redis is to be asked.
    func delete(_ key: ByteBuffer, slot: UInt16 = 0, now: MonotonicTime) -> CacheAnswer? {
        guard !self.isOpen else { return nil }
        let bytes = key.bytes
        return self.record(bytes) { machine in
            guard machine.answers(bytes) else { return nil }
            return self.remove(key, slot, bytes, isLate: false, now, &machine)
        }
    }

    // MARK: Operations that Redis did not answer

    /// A read that Redis did not answer.
    func getInstead(_ key: ByteBuffer, slot: UInt16 = 0, acceptsCopy: Bool) -> CacheAnswer {
        self.read(key, slot, acceptsCopy: acceptsCopy, now: .now)
    }

    /// What memory answers: what was written without Redis, or else what was last known, unless the journal knows better.
    private func read(_ key: ByteBuffer, _ slot: UInt16, acceptsCopy: Bool, now: MonotonicTime) -> CacheAnswer {
        let answer = self.memory.get(key, now: now)
        guard case .miss = answer, acceptsCopy, self.settings.reads == .near, let near,
            let copy = near.lastKnown(key, slot: slot, staleMilliseconds: self.staleMilliseconds, now: now)
        else { return answer }
        return self.journal.contains(key.bytes) ? answer : copy
    }

    /// A write that Redis did not answer, and may or may not carry out.
    /// - Parameters:
    ///   - shard: whose connection was asked.
    ///   - isLate: whether it still may, over a connection that lives; `repliedLate` tells when it has.
    func setInstead(
        _ key: ByteBuffer, slot: UInt16 = 0, shard: Int = 0, value: ByteBuffer, ttlSeconds: Int64?, isLate: Bool
    ) -> CacheAnswer {
        let bytes = key.bytes
        return self.record(bytes) { self.store(key, bytes, value, ttlSeconds, isLate: isLate, .now, &$0) }
    }

    /// A deletion that Redis did not answer, and may or may not carry out.
    func deleteInstead(_ key: ByteBuffer, slot: UInt16 = 0, shard: Int = 0, isLate: Bool) -> CacheAnswer {
        let bytes = key.bytes
        return self.record(bytes) { self.remove(key, slot, bytes, isLate: isLate, .now, &$0) }
    }

    /// A write that was given up has been carried out or refused.
    func repliedLate(_ key: ByteBuffer, slot: UInt16 = 0) {
        if self.withMachine({ $0.repliedLate(key.bytes) }) { self.demand.yield() }
    }

    private typealias Recorded = (CacheAnswer, RecordAction)

    private func store(
        _ key: ByteBuffer, _ bytes: [UInt8], _ value: ByteBuffer, _ ttlSeconds: Int64?, isLate: Bool, _ now: MonotonicTime,
        _ machine: inout OutageStateMachine
    ) -> Recorded {
        let answer = self.memory.set(key, value: value, ttlSeconds: ttlSeconds, now: now)
        // A value that memory cannot hold is refused; but what Redis may hold of it by now has to go.
        let isValue = if case .stored = answer { true } else { false }
        return (answer, machine.record(bytes, isValue: isValue, isLate: isLate, now: now))
    }

    private func remove(
        _ key: ByteBuffer, _ slot: UInt16, _ bytes: [UInt8], isLate: Bool, _ now: MonotonicTime, _ machine: inout OutageStateMachine
    ) -> Recorded {
        var answer = self.memory.delete(key, now: now)
        // What memory does not know may be in Redis, and will be gone from there.
        if case .miss = answer, !machine.journal.contains(bytes), !self.isKnownAbsence(key, slot, now) { answer = .deleted(.outage) }
        return (answer, machine.record(bytes, isValue: false, isLate: isLate, now: now))
    }

    private func isKnownAbsence(_ key: ByteBuffer, _ slot: UInt16, _ now: MonotonicTime) -> Bool {
        guard case .miss = self.near?.lastKnown(key, slot: slot, staleMilliseconds: self.staleMilliseconds, now: now) else { return false }
        return true
    }

    private func record(_ key: [UInt8], _ body: (inout OutageStateMachine) -> Recorded) -> CacheAnswer {
        let (answer, action) = self.withMachine(body)
        // Only now is the gate where the record wants it: a read that has found it open before has a ticket that this makes invalid.
        self.near?.drop(key)
        self.perform(action)
        return answer
    }

    private func record(_ key: [UInt8], _ body: (inout OutageStateMachine) -> Recorded?) -> CacheAnswer? {
        guard let (answer, action) = self.withMachine(body) else { return nil }
        self.near?.drop(key)
        self.perform(action)
        return answer
    }

    private func perform(_ action: RecordAction) {
        switch action {
        case .none: break
        case .wake: self.demand.yield()
        case .overflow(let loss):
            self.perform(loss, .journalFull)
            self.noteOverflow()
        }
    }

    /// Frees what the journal has given up. That takes its time, so it is done without the lock.
    private func noteOverflow() {
        // Which keys were written or deleted is not known any more, so no copy can be trusted.
        self.near?.fence.forgetEverything()
        _ = self.machine.withLock { $0.takeDropped() }
        self.log(.journalFull)
    }

    // MARK: Invalidation

    /// Keys whose records are changed under one lock, and keys that are compared with a pattern between two suspensions.
    static let keysPerStep = 512

    /// The pattern is about to be invalidated: no value of a matching key that was written before is written to Redis any more.
    ///
    /// A pattern may have to be compared with millions of long keys, and event loops wait for this lock. So they are compared in a copy of the
    /// records, and only the records that match are changed under the lock, some at a time. What is written meanwhile is written at the same time as
    /// the invalidation: it may come before or after it. Only when all older records are changed is the pattern deleted from
    /// Redis, or remembered: a value that a replay sends to Redis before that is in Redis when the pattern is looked for there, and of a later one
    /// the version is out of date, so its key is settled once more.
    /// - Returns: whether the pattern is remembered for the replay; else the caller has to delete the keys from Redis.
    func invalidate(_ pattern: [UInt8], where isMatch: (Span<UInt8>) -> Bool) async -> Bool {
        var matches: [[UInt8]] = []
        var compared = 0
        for (key, record) in self.journal.records {
            compared += 1
            if record.isValue, isMatch(key.span) { matches.append(key) }
            guard compared == Self.keysPerStep else { continue }
            self.machine.withLock { $0.forgetValues(of: matches) }
            matches.removeAll(keepingCapacity: true)
            compared = 0
            await Task.yield()
        }
        let action = self.withMachine { machine in
            machine.forgetValues(of: matches)
            return machine.record(pattern: pattern, now: .now)
        }
        guard let action else { return false }
        self.perform(action)
        return true
    }

    /// The pattern could not be deleted from Redis: it is remembered, and the outage begins.
    func invalidateInstead(_ pattern: [UInt8], _ reason: OutageReason) {
        let (action, isOverflow) = self.withMachine { $0.failed(reason, pattern: pattern, now: .now) }
        self.perform(action, reason)
        if isOverflow { self.noteOverflow() }
    }

    /// Redis has invalidated a pattern.
    func invalidated(_ pattern: [UInt8]) {
        self.machine.withLock { $0.deleted(pattern: pattern, now: .now) }
    }

    // MARK: The course of an outage

    /// Redis is away, as an event loop has noticed.
    func failed(_ reason: OutageReason, shard: Int = 0) {
        self.perform(self.withMachine { $0.failed(reason, now: .now) }, reason)
    }

    private func perform(_ action: LossAction, _ reason: OutageReason) {
        switch action {
        case .ignore: break
        case .close: self.demand.yield()
        case .closeAndLog:
            self.demand.yield()
            self.log(.away(reason))
        }
    }

    /// Takes what came of the recovery's last step.
    /// - Returns: the next one.
    func next(_ event: RecoveryEvent) -> RecoveryStep {
        // What the journal has given up is freed without the lock, as that takes its time.
        let (decision, isFirstAttemptOver, _) = self.withMachine { machine in
            let decision = machine.next(event, now: .now)
            // Which keys were written or deleted is not known any more, so no copy can be trusted.
            if machine.journal.mustPurge { self.near?.fence.forgetEverything() }
            for key in decision.forgotten {
                self.memory.forget(key)
                // Of a read that has overtaken the journal: Redis answers for the key from now on.
                self.near?.drop(key)
            }
            return (decision, machine.counters.isFirstAttemptOver, machine.takeDropped())
        }
        if isFirstAttemptOver { self.endFirstAttempt.finish() }
        for notice in decision.notices { self.log(notice) }
        return decision.step
    }

    /// Keys that another server may lack are put into the journal. Memory answers for every key then, so they may come one after the other.
    func record(recentWrites keys: [[UInt8]]) {
        for start in stride(from: 0, to: keys.count, by: Self.keysPerStep) {
            let step = keys[start..<min(start + Self.keysPerStep, keys.count)]
            if self.withMachine({ $0.record(recentWrites: step, now: .now) }) { self.noteOverflow() }
        }
    }

    /// Returns when the first attempt to reach Redis has ended, well or not, and after `limit` at the latest.
    package func waitForFirstAttempt(limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in self.firstAttempt {} }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Returns when everything has been replayed to Redis, at `deadline` at the latest, and when the task is cancelled.
    package func waitUntilReplayed(until deadline: NIODeadline) async {
        while !self.journal.isEmpty, NIODeadline.now() < deadline {
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }

    package var report: OutageReport { self.machine.withLock { $0.report } }

    /// What has to be replayed to Redis; a copy is O(1).
    var journal: OutageJournal { self.machine.withLock { $0.journal } }

    // MARK: The log

    /// Without keys: their names are whatever clients choose.
    private func log(_ notice: OutageNotice) {
        switch notice {
        case .away(let reason):
            var metadata: Logger.Metadata = ["redis.reason": "\(reason.code)"]
            if case .failure(let failure) = reason, let message = failure.logMessage { metadata["redis.message"] = "\(message)" }
            self.logger.warning("Redis is away and memory answers: \(reason.sentence)", metadata: metadata)
        case .back(let replay, let awayMilliseconds):
            let seconds = Double(awayMilliseconds / 100) / 10
            self.logger.notice(
                "connected to Redis after \(seconds) s; replayed \(replay.keys) keys and \(replay.patterns) patterns",
                metadata: [
                    "redis.away_ms": "\(awayMilliseconds)", "replay.duration_ms": "\(replay.durationMilliseconds)",
                    "replay.keys": "\(replay.keys)", "replay.patterns": "\(replay.patterns)", "replay.refused": "\(replay.refused)",
                    "replay.purge": "\(replay.isPurge)",
                ])
        case .refused:
            self.logger.warning(
                "Redis refuses for good to take some keys of the journal, which are given up: see replay_refused_total and the user's permissions")
        case .journalFull:
            self.logger.warning("the journal is full: every string will be deleted from Redis when it is back")
        case .tooManyRecentWrites(let droppedKeys):
            self.logger.warning(
                "another Redis server answers, and more was written just before than is remembered: every string will be deleted from it",
                metadata: ["journal.dropped": .stringConvertible(droppedKeys)])
        }
    }
}

extension ByteBuffer {
    /// A copy, free of whatever larger memory the buffer is a slice of.
    var bytes: [UInt8] { Array(self.readableBytesView) }
}
