import HashTreeCollections
import MemoryStore
import NIOCore
import Synchronization

// What becomes of an invalidation by pattern while Redis is away.
extension OutageGate {
    /// Keys whose records are changed under one lock, and keys that are compared with a pattern between two suspensions.
    static let keysPerStep = 512
    /// How often all shards are looked at while slots go on moving: each time is one more chance for records that move to be passed by.
    private static let maximumRounds = 5

    /// The pattern is about to be invalidated: no value of a matching key that was written before is written to Redis any more.
    ///
    /// A pattern may have to be compared with millions of long keys, and event loops wait for this lock. So they are compared in a copy of the
    /// records, and only the records that match are changed under the lock, some at a time. What is written meanwhile is written at the same time as
    /// the invalidation: it may come before or after it. Only when all older records are changed is the pattern deleted from
    /// Redis, or remembered: a value that a replay sends to Redis before that is in Redis when the pattern is looked for there, and of a later one
    /// the version is out of date, so its key is settled once more.
    /// - Returns: the shards from which the caller has to delete the keys; the others are away, and the pattern is remembered for them.
    func invalidate(_ pattern: [UInt8], where isMatch: (Span<UInt8>) -> Bool) async -> [Int] {
        var asked: [Int] = []
        for _ in 0..<Self.maximumRounds {
            asked = []
            let moves = self.machines.withLock { $0.moves }
            for shard in self.shardsInUse where !(await self.invalidate(pattern, shard, where: isMatch)) { asked.append(shard) }
            // A record may have moved from a shard that was still to come to one that was passed by.
            if moves == self.machines.withLock({ $0.moves }) { break }
        }
        return asked
    }

    /// - Returns: whether the pattern is remembered for the replay.
    private func invalidate(_ pattern: [UInt8], _ shard: Int, where isMatch: (Span<UInt8>) -> Bool) async -> Bool {
        var matches: [[UInt8]] = []
        var compared = 0
        for (key, record) in self.journal(of: shard).records {
            compared += 1
            if record.isValue, isMatch(key.span) { matches.append(key) }
            guard compared == Self.keysPerStep else { continue }
            self.withMachine(shard) { $0.forgetValues(of: matches) }
            matches.removeAll(keepingCapacity: true)
            compared = 0
            await Task.yield()
        }
        let action = self.withMachine(shard) { machine in
            machine.forgetValues(of: matches)
            return machine.record(pattern: pattern, now: .now)
        }
        guard let action else { return false }
        self.perform(action, shard)
        return true
    }

    /// The pattern could not be deleted from Redis: it is remembered, and the outage begins.
    func invalidateInstead(_ pattern: [UInt8], _ reason: OutageReason, shard: Int) {
        let (action, isOverflow) = self.withMachine(shard) { $0.failed(reason, pattern: pattern, now: .now) }
        self.perform(action, reason, shard)
        if isOverflow { self.noteOverflow(shard) }
    }

    /// A shard has invalidated a pattern.
    func invalidated(_ pattern: [UInt8], shard: Int) {
        self.withMachine(shard) { $0.deleted(pattern: pattern, now: .now) }
    }
}
