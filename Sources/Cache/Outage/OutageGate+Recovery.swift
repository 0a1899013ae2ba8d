import Logging
import MemoryStore
package import NIOCore
import RedisClient
import Synchronization

// The course of an outage, shard by shard.
extension OutageGate {
    /// Redis is away, as an event loop has noticed.
    func failed(_ reason: OutageReason, shard: Int = 0) {
        self.perform(self.withMachine(shard) { $0.failed(reason, now: .now) }, reason, shard)
    }

    /// Takes what came of the recovery's last step.
    /// - Returns: the next one.
    func next(_ event: RecoveryEvent, shard: Int = 0) -> RecoveryStep {
        if event.mayOpen { self.forgetLocalChanges() }
        // What the journal has given up is freed without the lock, as that takes its time.
        let (decision, isFirstAttemptOver, _) = self.machines.withLock { machines in
            let result = self.change(shard, &machines) { machine in
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
            if machines.machines[shard].gate != .closed { self.forgetLocalChanges(&machines) }
            return result
        }
        if isFirstAttemptOver { self.endFirstAttempt.finish() }
        for notice in decision.notices { self.log(notice, shard) }
        return decision.step
    }

    /// Keys that another server may lack are put into the journal. Memory answers for every key then, so they may come one after the other.
    func record(recentWrites keys: [[UInt8]]) {
        for start in stride(from: 0, to: keys.count, by: Self.keysPerStep) {
            let step = keys[start..<min(start + Self.keysPerStep, keys.count)]
            let overflown = self.machines.withLock { machines in
                var overflown: Set<Int> = []
                for key in step {
                    let slot = self.table.slot(of: key)
                    let shard = self.table.shard(of: slot)
                    if self.change(shard, &machines, { $0.record(recentWrite: key, slot: slot, now: .now) }) { overflown.insert(shard) }
                }
                return overflown
            }
            for shard in overflown { self.noteOverflow(shard) }
        }
    }

    /// Returns when everything has been replayed to Redis, at `deadline` at the latest, and when the task is cancelled.
    package func waitUntilReplayed(until deadline: NIODeadline) async {
        while !self.isReplayed, NIODeadline.now() < deadline {
            guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }

    /// The keys that a replay has settled lately; nil if they were more than is remembered.
    func takeReplayedKeys(shard: Int) -> [[UInt8]]? { self.withMachine(shard) { $0.takeReplayedKeys() } }

    private var isReplayed: Bool { self.machines.withLock { $0.machines.allSatisfy { $0.journal.isEmpty } } }

    /// What has to be replayed to a shard; a copy is O(1).
    func journal(of shard: Int = 0) -> OutageJournal { self.machines.withLock { $0.machines[shard].journal } }

    /// How the outage stands, of all shards together.
    package var report: OutageReport { OutageReport(self.shardReports) }

    /// How each shard in use stands, all at one moment, in the order of their numbers.
    package var shardReports: [ShardReport] {
        self.machines.withLock { machines in
            self.inUse(machines).map { ShardReport(index: $0, slots: machines.slotCounts[$0], outage: machines.machines[$0].report) }
        }
    }

    // MARK: The log

    /// Without keys: their names are whatever clients choose.
    func log(_ notice: OutageNotice, _ shard: Int) {
        var logger = self.logger
        if self.table.isCluster { logger[metadataKey: "redis.shard"] = .stringConvertible(shard) }
        switch notice {
        case .away(let reason):
            var metadata: Logger.Metadata = ["redis.reason": "\(reason.code)"]
            if case .failure(let failure) = reason, let message = failure.logMessage { metadata["redis.message"] = "\(message)" }
            logger.warning("Redis is away and memory answers: \(reason.sentence)", metadata: metadata)
        case .back(let replay, let awayMilliseconds):
            let seconds = Double(awayMilliseconds / 100) / 10
            logger.notice(
                "connected to Redis after \(seconds) s; replayed \(replay.keys) keys and \(replay.patterns) patterns",
                metadata: [
                    "redis.away_ms": "\(awayMilliseconds)", "replay.duration_ms": "\(replay.durationMilliseconds)",
                    "replay.keys": "\(replay.keys)", "replay.patterns": "\(replay.patterns)", "replay.refused": "\(replay.refused)",
                    "replay.purge": "\(replay.isPurge)",
                ])
        case .refused:
            logger.warning(
                "Redis refuses for good to take some keys of the journal, which are given up: see replay_refused_total and the user's permissions")
        case .journalFull:
            logger.warning("the journal is full: every string will be deleted from Redis when it is back")
        case .tooManyRecentWrites(let droppedKeys):
            logger.warning(
                "another Redis server answers, and more was written just before than is remembered: every string will be deleted from it",
                metadata: ["journal.dropped": .stringConvertible(droppedKeys)])
        }
    }
}
