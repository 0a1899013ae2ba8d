import HashTreeCollections
import Logging
import MemoryStore
package import NIOCore
import Synchronization

/// What the recovery asks and tells.
extension OutageGate {
    /// What there is to do for the recovery.
    enum Work: Hashable {
        case none
        /// Redis is to be found again.
        case recover(generation: Int)
        /// Keys of the journal are to be settled with Redis, which is there.
        case settle(generation: Int)
    }

    var work: Work {
        self.protected.withLock { protected in
            let generation = protected.machine.generation
            switch protected.machine.state {
            case .outage, .exclusiveReplay:
                return .recover(generation: generation)
            case .keyReplay:
                let canGoOn = protected.journal.isEmpty || !protected.journal.entries(limit: 1).isEmpty
                return canGoOn ? .settle(generation: generation) : .none
            case .connected:
                return protected.journal.entries(limit: 1).isEmpty ? .none : .settle(generation: generation)
            }
        }
    }

    /// How many attempts have failed, and whether trying often is of use.
    var pace: (failedAttempts: Int, reason: OutageReason) {
        self.protected.withLock { ($0.machine.failedAttempts, $0.machine.reason) }
    }

    func attemptFailed(_ reason: OutageReason, generation: Int) {
        let action = self.protected.withLock { protected in
            let action = protected.machine.attemptFailed(reason, generation: generation)
            if protected.machine.state == .outage { protected.figures.failedAttempts += 1 }
            self.noteClosing(action, wasConnected: false, &protected)
            return action
        }
        self.perform(action, reason, nil)
        self.noteAttempt()
    }

    /// Redis answers. False where the attempt is out of date.
    func reached(generation: Int) -> Bool {
        self.protected.withLock { protected in
            guard protected.machine.reached(generation: generation) else { return false }
            protected.figures.replay = (begin: .now, keys: 0, patterns: 0, refused: 0, isPurge: false)
            return true
        }
    }

    /// Which server answers now. True where it is another one than before: then it may lack what the other has acknowledged last.
    func isAnotherServer(_ identifier: String?) -> Bool {
        self.protected.withLock { protected in
            guard let identifier, let known = protected.serverIdentifier else { return false }
            return identifier != known
        }
    }

    /// Keys and patterns that the server may lack are to be deleted from it.
    /// - Parameter keys: nil if they were too many to be kept.
    func doubt(_ keys: [[UInt8]]?) {
        guard let keys else {
            let dropped = self.protected.withLock { protected -> OutageJournal.Records? in
                guard !protected.journal.mustPurge else { return nil }
                protected.journal.collapse(now: .now)
                return protected.journal.takeDropped()
            }
            guard let dropped else { return }
            self.logger.warning(
                "another Redis answers, and more was written just before than is remembered: every string will be deleted from it",
                metadata: ["journal.dropped": .stringConvertible(dropped.count)])
            return
        }
        let overflows = self.protected.withLock { $0.journal.overflows }
        // Memory answers for every key now, so they may come one after the other.
        for start in stride(from: 0, to: keys.count, by: Self.keysPerStep) {
            self.protected.withLock { protected in
                for key in keys[start..<min(start + Self.keysPerStep, keys.count)] where !protected.journal.contains(key) {
                    protected.journal.touch(key, isValue: false, now: .now)
                }
            }
        }
        let hasOverflowed = self.protected.withLock { protected in
            for pattern in protected.recentPatterns { protected.journal.append(pattern: pattern.bytes, now: .now) }
            protected.recentPatterns = []
            return protected.journal.overflows > overflows
        }
        if hasOverflowed { self.logOverflow() }
    }

    func noteServer(_ identifier: String?) {
        self.protected.withLock { $0.serverIdentifier = identifier ?? $0.serverIdentifier }
    }

    // MARK: What concerns more than single keys

    enum SharedWork {
        case none
        /// Everything is to be deleted.
        case purge
        case pattern(version: UInt64, [UInt8])
        /// The attempt is out of date.
        case stale
    }

    /// The next step. With `none`, keys may be asked of Redis again from now on.
    func nextSharedWork(generation: Int) -> SharedWork {
        self.protected.withLock { protected in
            guard protected.machine.generation == generation else { return .stale }
            if protected.journal.mustPurge {
                protected.journal.beginPurge()
                return .purge
            }
            if let pattern = protected.journal.patterns.first { return .pattern(version: pattern.version, pattern.bytes) }
            guard protected.machine.sharedReplayed(generation: generation) else { return .stale }
            self.updateRegime(protected)
            return .none
        }
    }

    /// - Parameter isRefused: whether Redis kept keys that the user may not delete.
    func purged(isRefused: Bool, generation: Int) {
        let isNews = self.protected.withLock { protected in
            guard protected.machine.generation == generation else { return false }
            protected.journal.endPurge()
            protected.figures.purges += 1
            protected.figures.replay?.isPurge = true
            return isRefused && protected.figures.noteRefusedPattern()
        }
        if isNews { self.logRefusal() }
    }

    /// - Parameter isRefused: whether Redis kept keys that the user may not delete, or does not let the user look for them.
    func settled(patternVersion: UInt64, isRefused: Bool, generation: Int) {
        let isNews = self.protected.withLock { protected in
            guard protected.machine.generation == generation else { return false }
            protected.journal.settle(patternVersion: patternVersion)
            guard !isRefused else { return protected.figures.noteRefusedPattern() }
            protected.figures.replayedPatterns += 1
            protected.figures.replay?.patterns += 1
            return false
        }
        if isNews { self.logRefusal() }
    }

    /// Once in an outage, whatever is refused, and without the keys: their names are whatever clients choose.
    private func logRefusal() {
        self.logger.warning(
            "Redis refuses for good what it was told of some keys, which are given up: see replay_refused_total, and what its user may do")
    }

    // MARK: Keys

    func entriesToSettle(limit: Int) -> [OutageJournal.Entry] {
        self.protected.withLock { $0.journal.entries(limit: limit) }
    }

    /// Redis refuses the value of an entry for good.
    /// - Returns: the entry as a deletion.
    func valueRefused(_ entry: OutageJournal.Entry, _ refusal: ReplayRefusal) -> OutageJournal.Entry {
        self.protected.withLock { $0.journal.refuseValue(entry, refusal) }
        return OutageJournal.Entry(key: entry.key, version: entry.version, isValue: false, refusal: refusal)
    }

    /// A connection ended while nothing but the value of this entry was under way over it.
    func connectionEnded(over entry: OutageJournal.Entry) {
        self.protected.withLock { $0.journal.connectionEnded(over: entry) }
    }

    /// Redis has done what these entries say, or refused it for good: Redis answers for their keys again.
    func settled(_ entries: some Sequence<OutageJournal.Entry>, generation: Int) {
        let isNews = self.protected.withLock { protected in
            guard protected.machine.generation == generation else { return false }
            var isNews = false
            for entry in entries {
                if let refusal = entry.refusal {
                    if protected.figures.noteRefusedKey(refusal) { isNews = true }
                } else {
                    protected.figures.replayedKeys += 1
                    protected.figures.replay?.keys += 1
                }
                if protected.journal.settle(entry) { self.memory.forget(entry.key) }
            }
            self.updateRegime(protected)
            return isNews
        }
        if isNews { self.logRefusal() }
    }

    /// Ends the outage where nothing is left to be told to Redis.
    func replayed(generation: Int) {
        let ended = self.protected.withLock { protected -> (OutageReport.Replay, away: Int64)? in
            let away = protected.machine.since
            guard protected.journal.isEmpty, protected.machine.replayed(generation: generation, now: .now) else { return nil }
            self.updateRegime(protected)
            let now = MonotonicTime.now
            let replay = protected.figures.replay
            let last = OutageReport.Replay(
                end: now, durationMilliseconds: now.milliseconds - (replay?.begin ?? now).milliseconds, keys: replay?.keys ?? 0,
                patterns: replay?.patterns ?? 0, refused: replay?.refused ?? 0, isPurge: replay?.isPurge ?? false)
            protected.figures.lastReplay = last
            protected.figures.replay = nil
            return (last, away: now.milliseconds - away.milliseconds)
        }
        guard let (replay, away) = ended else { return }
        self.noteAttempt()
        self.logger.notice(
            "Redis serves",
            metadata: [
                "redis.away_ms": "\(away)", "replay.duration_ms": "\(replay.durationMilliseconds)", "replay.keys": "\(replay.keys)",
                "replay.patterns": "\(replay.patterns)", "replay.refused": "\(replay.refused)", "replay.purge": "\(replay.isPurge)",
            ])
    }

    /// Returns when nothing is left to be told to Redis, at `deadline` at the latest, and when the task is cancelled.
    package func waitUntilReplayed(until deadline: NIODeadline) async {
        while !self.protected.withLock({ $0.journal.isEmpty }), NIODeadline.now() < deadline {
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }

    // MARK: Reports

    package var report: OutageReport {
        self.protected.withLock { protected in
            let state: OutageReport.State =
                switch protected.machine.state {
                case .connected: .connected
                case .outage: .outage
                case .exclusiveReplay, .keyReplay: .replay
                }
            let journal = protected.journal
            let figures = protected.figures
            return OutageReport(
                state: state,
                since: protected.machine.since,
                reason: state == .connected ? nil : protected.machine.reason,
                isRedisAsked: protected.machine.state == .connected || protected.machine.state == .keyReplay,
                journalKeys: journal.keyCount,
                journalPatterns: journal.patterns.count,
                journalBytes: journal.bytes,
                journalOldest: journal.oldest,
                mustPurge: journal.mustPurge,
                lastReplay: figures.lastReplay,
                outages: figures.outages,
                failedAttempts: figures.failedAttempts,
                journalOverflows: journal.overflows,
                replayedKeys: figures.replayedKeys,
                replayedPatterns: figures.replayedPatterns,
                purges: figures.purges,
                refusedKeys: figures.refusedKeys,
                refusedPatterns: figures.refusedPatterns
            )
        }
    }
}

extension OutageGate.Figures {
    /// - Returns: whether it is the first refusal since Redis was lost.
    fileprivate mutating func noteRefusedKey(_ refusal: ReplayRefusal) -> Bool {
        self.refusedKeys[refusal, default: 0] += 1
        return self.noteRefusal()
    }

    fileprivate mutating func noteRefusedPattern() -> Bool {
        self.refusedPatterns += 1
        return self.noteRefusal()
    }

    private mutating func noteRefusal() -> Bool {
        self.replay?.refused += 1
        defer { self.refusalIsLogged = true }
        return !self.refusalIsLogged
    }
}
