import HashTreeCollections
package import Logging
package import MemoryStore
import NIOCore
import RedisClient
import Synchronization

/// Decides for every operation on a key whether Redis is asked or memory answers, for all event loops alike.
///
/// While Redis is there and nothing is left to be told to it, the answer is one load of an atomic. Else the state machine and the journal are asked
/// under a lock, but for reads during an outage, which memory answers alone.
///
/// Invariant: what the embedded store holds are the values of keys in the journal, unless the journal must delete everything. So a key that leaves
/// the journal leaves the store under the same lock, and no later outage finds an old value there.
package final class OutageGate: Sendable {
    /// What the hot path has to know.
    enum Regime: UInt8 {
        /// Redis is asked.
        case open
        /// Redis is asked for keys that the journal does not hold.
        case guarded
        /// Memory answers.
        case closed
    }

    struct Protected {
        var machine: OutageStateMachine
        var journal: OutageJournal
        var figures = Figures()
        /// Which server Redis was, as it calls itself.
        var serverIdentifier: String?
        /// Patterns that Redis has invalidated lately, with the time; see `RecentWrites`.
        var recentPatterns: [(bytes: [UInt8], time: MonotonicTime)] = []
    }

    struct Figures {
        var outages = 1
        var failedAttempts = 0
        var replay: (begin: MonotonicTime, keys: Int, patterns: Int, refused: Int, isPurge: Bool)?
        var lastReplay: OutageReport.Replay?
        var replayedKeys = 0
        var replayedPatterns = 0
        var purges = 0
        var refusedKeys: [ReplayRefusal: Int] = [:]
        var refusedPatterns = 0
        /// Whether the log has a line about refusals since Redis was lost.
        var refusalIsLogged = false
    }

    let settings: OutageSettings
    let memory: EmbeddedStore
    let logger: Logger
    let protected: Mutex<Protected>
    private let regime = Atomic<UInt8>(Regime.closed.rawValue)
    /// Wakes the recovery when there may be something to do for it.
    let demands: AsyncStream<Void>
    private let demand: AsyncStream<Void>.Continuation
    /// Ends when the first attempt to reach Redis has ended, well or not.
    private let firstAttempt: AsyncStream<Void>
    private let endFirstAttempt: AsyncStream<Void>.Continuation

    package init(memory: MemoryStore, settings: OutageSettings, logger: Logger) {
        self.settings = settings
        self.memory = EmbeddedStore(memory, source: .outage)
        self.logger = logger
        let machine = OutageStateMachine(stableMilliseconds: settings.pauseCap.nanoseconds / 1_000_000, now: .now)
        self.protected = Mutex(Protected(machine: machine, journal: OutageJournal(settings)))
        (self.demands, self.demand) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (self.firstAttempt, self.endFirstAttempt) = AsyncStream.makeStream()
        self.demand.yield()
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

    func noteAttempt() {
        self.endFirstAttempt.finish()
    }

    /// Whether Redis is asked for any key.
    var isOpen: Bool { self.regime.load(ordering: .acquiring) == Regime.open.rawValue }

    /// Whether Redis is asked at all.
    package var isRedisAsked: Bool { self.regime.load(ordering: .acquiring) != Regime.closed.rawValue }

    // MARK: Operations on a key

    /// - Returns: nil where Redis is to be asked.
    func get(_ key: ByteBuffer, now: MonotonicTime) -> CacheAnswer? {
        switch Regime(rawValue: self.regime.load(ordering: .acquiring)) {
        case .open, nil:
            return nil
        case .closed:
            return self.memory.get(key, now: now)
        case .guarded:
            return self.protected.withLock { protected in
                guard Self.mustAnswer(key, protected) else { return nil }
                return self.memory.get(key, now: now)
            }
        }
    }

    /// - Returns: nil where Redis is to be asked.
    func set(_ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, now: MonotonicTime) -> CacheAnswer? {
        guard !self.isOpen else { return nil }
        return self.withJournal { protected in
            guard Self.mustAnswer(key, protected) else { return nil }
            return self.store(key, value, ttlSeconds, isLanding: false, now, &protected)
        }
    }

    /// - Returns: nil where Redis is to be asked.
    func delete(_ key: ByteBuffer, now: MonotonicTime) -> CacheAnswer? {
        guard !self.isOpen else { return nil }
        return self.withJournal { protected in
            guard Self.mustAnswer(key, protected) else { return nil }
            return self.remove(key, isLanding: false, now, &protected)
        }
    }

    private static func mustAnswer(_ key: ByteBuffer, _ protected: borrowing Protected) -> Bool {
        switch protected.machine.state {
        case .outage, .exclusiveReplay: true
        case .connected, .keyReplay: protected.journal.contains(key.bytes)
        }
    }

    // MARK: Operations that Redis did not answer

    /// A read that Redis did not answer.
    func getInstead(_ key: ByteBuffer) -> CacheAnswer {
        self.memory.get(key)
    }

    /// A write that Redis did not answer, and may or may not carry out.
    /// - Parameter isLanding: whether it still may, over a connection that lives; `landed` tells when it has.
    func setInstead(_ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, isLanding: Bool) -> CacheAnswer {
        self.withJournal { self.store(key, value, ttlSeconds, isLanding: isLanding, .now, &$0) }
    }

    /// A deletion that Redis did not answer, and may or may not carry out.
    func deleteInstead(_ key: ByteBuffer, isLanding: Bool) -> CacheAnswer {
        self.withJournal { self.remove(key, isLanding: isLanding, .now, &$0) }
    }

    /// A write that was given up has been carried out or refused.
    func landed(_ key: ByteBuffer) {
        let canSettle = self.protected.withLock { $0.journal.landed(key.bytes) }
        if canSettle { self.demand.yield() }
    }

    private func store(
        _ key: ByteBuffer, _ value: ByteBuffer, _ ttlSeconds: Int64?, isLanding: Bool, _ now: MonotonicTime, _ protected: inout Protected
    ) -> CacheAnswer {
        let answer = self.memory.set(key, value: value, ttlSeconds: ttlSeconds, now: now)
        // A value that memory cannot hold is refused; but what Redis may hold of it by now has to go.
        if case .stored = answer {
            self.touch(key, isValue: true, isLanding, now, &protected)
        } else {
            self.touch(key, isValue: false, isLanding, now, &protected)
        }
        return answer
    }

    private func remove(_ key: ByteBuffer, isLanding: Bool, _ now: MonotonicTime, _ protected: inout Protected) -> CacheAnswer {
        let answer = self.memory.delete(key, now: now)
        self.touch(key, isValue: false, isLanding, now, &protected)
        return answer
    }

    private func touch(_ key: ByteBuffer, isValue: Bool, _ isLanding: Bool, _ now: MonotonicTime, _ protected: inout Protected) {
        // During an outage every connection is ended before Redis is asked again, so nothing lands.
        let canLand = isLanding && protected.machine.state != .outage && protected.machine.state != .exclusiveReplay
        protected.journal.touch(key.bytes, isValue: isValue, isLanding: canLand, now: now)
        self.updateRegime(protected)
        if protected.machine.state == .connected, !canLand { self.demand.yield() }
    }

    // MARK: The bound of the journal

    /// The journal has just reached its bound.
    private struct Overflow {
        /// What follows for the gate: everything has to be deleted before any key can be asked of Redis again.
        let action: OutageStateMachine.FailureAction
        /// Freed with this value.
        let dropped: OutageJournal.Records
    }

    /// Does under the lock what may make the journal longer, and after it, since that takes its time, what the end of its bound asks for: a log line,
    /// and the freeing of what it held.
    private func withJournal<Result: Sendable>(_ body: (inout Protected) -> Result) -> Result {
        let (result, overflow) = self.protected.withLock { protected -> (Result, Overflow?) in
            let overflows = protected.journal.overflows
            let result = body(&protected)
            guard protected.journal.overflows > overflows else { return (result, nil) }
            return (result, Overflow(action: self.close(.journalFull, &protected), dropped: protected.journal.takeDropped()))
        }
        if let overflow {
            self.perform(overflow.action, .journalFull, nil)
            self.logOverflow()
        }
        return result
    }

    func logOverflow() {
        self.logger.warning("the journal has reached its bound: every string will be deleted from Redis when it is back")
    }

    // MARK: Invalidation

    /// Keys whose records are changed under one lock, and keys that are compared with a pattern between two suspensions.
    static let keysPerStep = 512

    /// The pattern is about to be invalidated: no value of a matching key that was written before is written to Redis any more.
    ///
    /// A pattern may have to be compared with millions of long keys, and event loops wait for this lock. So they are compared in a copy of the
    /// records, and only the records that match are changed under the lock, some at a time. What is written meanwhile is written at the same time as
    /// the invalidation: it may come before or after it. Only when all older records are changed is Redis told of the pattern, or the pattern
    /// remembered: a value that a replay sends to Redis before that is in Redis when the pattern is looked for there, and of a later one the
    /// version is out of date, so its key is settled once more.
    /// - Returns: whether the pattern is remembered for the replay; else Redis has to be told by the caller.
    func invalidate(_ pattern: [UInt8], where isMatch: (Span<UInt8>) -> Bool) async -> Bool {
        var matches: [[UInt8]] = []
        var compared = 0
        for (key, record) in self.protected.withLock({ $0.journal.records }) {
            compared += 1
            if record.isValue, isMatch(key.span) { matches.append(key) }
            guard compared == Self.keysPerStep else { continue }
            self.protected.withLock { $0.journal.forgetValues(of: matches) }
            matches.removeAll(keepingCapacity: true)
            compared = 0
            await Task.yield()
        }
        return self.withJournal { protected in
            protected.journal.forgetValues(of: matches)
            guard !Self.asksRedis(protected.machine.state) else { return false }
            protected.journal.append(pattern: pattern, now: .now)
            return true
        }
    }

    /// Redis could not be told of the pattern: it is remembered, and the outage begins.
    func invalidateInstead(_ pattern: [UInt8], _ reason: OutageReason) {
        let action = self.withJournal { protected in
            protected.journal.append(pattern: pattern, now: .now)
            return self.close(reason, &protected)
        }
        self.perform(action, reason, nil)
    }

    /// Redis has invalidated a pattern.
    func invalidated(_ pattern: [UInt8]) {
        let span = self.settings.doubtSpan.nanoseconds / 1_000_000
        guard span > 0 else { return }
        let now = MonotonicTime.now
        self.protected.withLock { protected in
            protected.recentPatterns.removeAll { now.milliseconds - $0.time.milliseconds > span }
            // One more than the journal takes makes it collapse, which is what is due then.
            guard protected.recentPatterns.count <= self.settings.journalPatterns else { return }
            protected.recentPatterns.append((pattern, now))
        }
    }

    private static func asksRedis(_ state: OutageStateMachine.State) -> Bool { state == .connected || state == .keyReplay }

    // MARK: The state

    /// Redis is away, as an event loop has noticed.
    func failed(_ reason: OutageReason, detail: String? = nil) {
        let action = self.protected.withLock { self.close(reason, &$0) }
        self.perform(action, reason, detail)
    }

    private func close(_ reason: OutageReason, _ protected: inout Protected) -> OutageStateMachine.FailureAction {
        let wasConnected = protected.machine.state == .connected
        let action = protected.machine.failed(reason, now: .now)
        self.noteClosing(action, wasConnected: wasConnected, &protected)
        return action
    }

    /// Ends a replay that was under way and begins to look for Redis.
    func noteClosing(_ action: OutageStateMachine.FailureAction, wasConnected: Bool, _ protected: inout Protected) {
        guard case .close = action else { return }
        protected.journal.forgetLandings()
        protected.journal.abandonPurge()
        protected.figures.replay = nil
        if wasConnected {
            protected.figures.refusalIsLogged = false
            protected.figures.outages += 1
        } else {
            protected.figures.failedAttempts += 1
        }
        self.updateRegime(protected)
        self.demand.yield()
    }

    /// Must be called under the lock, after whatever changes the state or the emptiness of the journal.
    func updateRegime(_ protected: borrowing Protected) {
        let regime: Regime =
            switch protected.machine.state {
            case .outage, .exclusiveReplay: .closed
            case .keyReplay: .guarded
            case .connected: protected.journal.isEmpty ? .open : .guarded
            }
        self.regime.store(regime.rawValue, ordering: .releasing)
    }

    func perform(_ action: OutageStateMachine.FailureAction, _ reason: OutageReason, _ detail: String?) {
        switch action {
        case .close(isNews: true), .tell:
            var metadata: Logger.Metadata = ["redis.reason": "\(reason.code)"]
            let message: String? = if case .failure(let failure) = reason { failure.logMessage } else { detail }
            if let message { metadata["redis.message"] = "\(message)" }
            self.logger.warning("Redis is away, memory answers: \(reason.sentence)", metadata: metadata)
        case .close(isNews: false), .none:
            break
        }
    }
}

extension ByteBuffer {
    /// A copy, free of whatever larger memory the buffer is a slice of.
    var bytes: [UInt8] { Array(self.readableBytesView) }
}
