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
        var replay: (begin: MonotonicTime, keys: Int, patterns: Int, isPurge: Bool)?
        var lastReplay: OutageReport.Replay?
        var replayedKeys = 0
        var replayedPatterns = 0
        var purges = 0
    }

    let settings: OutageSettings
    let memory: EmbeddedCache
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
        self.memory = EmbeddedCache(store: memory)
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
            return self.memory.get(key, now: now, source: .outage)
        case .guarded:
            return self.protected.withLock { protected in
                guard Self.mustAnswer(key, protected) else { return nil }
                return self.memory.get(key, now: now, source: .outage)
            }
        }
    }

    /// - Returns: nil where Redis is to be asked.
    func set(_ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, now: MonotonicTime) -> CacheAnswer? {
        guard !self.isOpen else { return nil }
        return self.protected.withLock { protected in
            guard Self.mustAnswer(key, protected) else { return nil }
            return self.store(key, value, ttlSeconds, isLanding: false, now, &protected)
        }
    }

    /// - Returns: nil where Redis is to be asked.
    func delete(_ key: ByteBuffer, now: MonotonicTime) -> CacheAnswer? {
        guard !self.isOpen else { return nil }
        return self.protected.withLock { protected in
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
        self.memory.get(key, source: .outage)
    }

    /// A write that Redis did not answer, and may or may not carry out.
    /// - Parameter isLanding: whether it still may, over a connection that lives; `landed` tells when it has.
    func setInstead(_ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, isLanding: Bool) -> CacheAnswer {
        self.protected.withLock { self.store(key, value, ttlSeconds, isLanding: isLanding, .now, &$0) }
    }

    /// A deletion that Redis did not answer, and may or may not carry out.
    func deleteInstead(_ key: ByteBuffer, isLanding: Bool) -> CacheAnswer {
        self.protected.withLock { self.remove(key, isLanding: isLanding, .now, &$0) }
    }

    /// A write that was given up has been carried out or refused.
    func landed(_ key: ByteBuffer) {
        let canSettle = self.protected.withLock { $0.journal.landed(key.bytes) }
        if canSettle { self.demand.yield() }
    }

    private func store(
        _ key: ByteBuffer, _ value: ByteBuffer, _ ttlSeconds: Int64?, isLanding: Bool, _ now: MonotonicTime, _ protected: inout Protected
    ) -> CacheAnswer {
        let answer = self.memory.set(key, value: value, ttlSeconds: ttlSeconds, now: now, source: .outage)
        // A value that memory cannot hold is refused; but what Redis may hold of it by now has to go.
        if case .stored = answer {
            self.touch(key, isValue: true, isLanding, now, &protected)
        } else {
            self.touch(key, isValue: false, isLanding, now, &protected)
        }
        return answer
    }

    private func remove(_ key: ByteBuffer, isLanding: Bool, _ now: MonotonicTime, _ protected: inout Protected) -> CacheAnswer {
        let answer = self.memory.delete(key, now: now, source: .outage)
        self.touch(key, isValue: false, isLanding, now, &protected)
        return answer
    }

    private func touch(_ key: ByteBuffer, isValue: Bool, _ isLanding: Bool, _ now: MonotonicTime, _ protected: inout Protected) {
        // During an outage every connection is ended before Redis is asked again, so nothing lands.
        let canLand = isLanding && protected.machine.state != .outage && protected.machine.state != .exclusiveReplay
        let overflows = protected.journal.overflows
        protected.journal.touch(key.bytes, isValue: isValue, isLanding: canLand, now: now)
        self.noteOverflow(since: overflows, &protected)
        self.updateRegime(protected)
        if protected.machine.state == .connected, !canLand { self.demand.yield() }
    }

    /// Everything has to be deleted before any key can be asked of Redis again.
    private func noteOverflow(since overflows: Int, _ protected: inout Protected) {
        guard protected.journal.overflows > overflows else { return }
        _ = self.close(.overloaded, &protected)
        self.logger.warning("the journal has reached its bound: every key will be deleted from Redis when it is back")
    }

    // MARK: Invalidation

    /// The pattern is about to be invalidated: no value of a matching key is written to Redis any more.
    /// - Returns: whether the pattern is remembered for the replay; else Redis has to be told by the caller.
    func invalidate(_ pattern: [UInt8], _ glob: GlobPattern) -> Bool {
        self.protected.withLock { protected in
            protected.journal.invalidate { glob.matches($0.span) }
            guard !Self.asksRedis(protected.machine.state) else { return false }
            self.append(pattern, &protected)
            return true
        }
    }

    private func append(_ pattern: [UInt8], _ protected: inout Protected) {
        let overflows = protected.journal.overflows
        protected.journal.append(pattern: pattern, now: .now)
        self.noteOverflow(since: overflows, &protected)
    }

    /// Redis could not be told of the pattern: it is remembered, and the outage begins.
    func invalidateInstead(_ pattern: [UInt8], _ reason: OutageReason) {
        let action = self.protected.withLock { protected in
            self.append(pattern, &protected)
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
