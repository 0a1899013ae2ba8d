import Logging
import MemoryStore
import NIOCore
import RedisClient
import Synchronization

/// Changes that depend on what a key holds. Memory does not know that while Redis is away, so it decides only for callers who want no more than an
/// answer for this process.
extension OutageGate {
    /// - Returns: nil if Redis is to be asked.
    func change(
        _ key: ByteBuffer, slot: UInt16 = 0, shard: Int = 0, _ change: CacheChange, whileAway: ChangeWhileAway, now: MonotonicTime
    ) -> CacheAnswer? {
        switch whileAway {
        case .refused: self.isAsked(shard, for: key, slot: slot) ? nil : .unavailable(.outage)
        case .perInstance(let isReplayed): self.decide(key, slot, change, isReplayed: isReplayed, now) { $0.answers($1) }
        }
    }

    /// A change that Redis has not carried out and will not.
    func changeInstead(_ key: ByteBuffer, slot: UInt16 = 0, _ change: CacheChange, whileAway: ChangeWhileAway) -> CacheAnswer {
        guard case .perInstance(let isReplayed) = whileAway else { return .unavailable(.outage) }
        return self.decide(key, slot, change, isReplayed: isReplayed, .now) { _, _ in true } ?? .unavailable(.outage)
    }

    /// - Returns: nil if it is not for memory to decide.
    private func decide(
        _ key: ByteBuffer, _ slot: UInt16, _ change: CacheChange, isReplayed: Bool, _ now: MonotonicTime,
        if isForMemory: (OutageStateMachine, [UInt8]) -> Bool
    ) -> CacheAnswer? {
        let bytes = key.bytes
        let (shard, decided) = self.machines.withLock { machines -> (Int, (CacheAnswer, RecordAction?)?) in
            let place = self.place(of: bytes, slot)
            guard isForMemory(machines.machines[place.shard], bytes) else { return (place.shard, nil) }
            let isRecorded = isReplayed || machines.machines[place.shard].journal.contains(bytes)
            guard isRecorded || machines.localKeys.insert(bytes, now: now) else { return (place.shard, (.unavailable(.outage), nil)) }
            let answer = self.memory.change(key, change, now: now)
            guard isRecorded, answer.isChange else { return (place.shard, (answer, nil)) }
            let isValue = if case .deleted = answer { false } else { true }
            let action = self.change(place.shard, &machines) { $0.record(bytes, slot: place.slot, isValue: isValue, isLate: false, now: now) }
            return (place.shard, (answer, action))
        }
        guard let (answer, action) = decided else { return nil }
        // What Redis never hears of leaves what was last known of it as it is.
        if let action {
            self.near?.drop(bytes)
            self.perform(action, shard)
        }
        return answer
    }

    // MARK: What memory has changed alone

    /// Memory forgets what it has changed for this process alone, some keys under one lock: Redis is about to be asked again.
    func forgetLocalChanges() {
        for keys in self.machines.withLock({ $0.localKeys.takeAll() }) {
            var rest = keys[...]
            while !rest.isEmpty {
                let step = rest.prefix(Self.keysPerStep)
                rest = rest.dropFirst(step.count)
                self.machines.withLock { machines in self.forget(step, machines) }
            }
        }
    }

    /// The same for what has come in since, under the lock.
    func forgetLocalChanges(_ machines: inout OutageShards) {
        for keys in machines.localKeys.takeAll() { self.forget(keys[...], machines) }
    }

    /// A key that was written since has a record, and leaves with that.
    private func forget(_ keys: Slice<Set<[UInt8]>>, _ machines: OutageShards) {
        for key in keys where !machines.machines[self.place(of: key, 0).shard].journal.contains(key) { self.memory.forget(key) }
    }

    // MARK: Commands that are refused

    /// The user of the service may not run a command, or the server does not have it.
    func commandRefused(_ name: String, _ failure: RedisFailure) {
        guard self.refusedCommands.add(name) else { return }
        self.logger.warning(
            "Redis refuses a command, and what needs it is answered with 503: see the user's permissions",
            metadata: ["redis.command": "\(name)", "redis.message": "\(failure.logMessage ?? "")"])
    }

    /// Redis has carried out a command that it may have refused before.
    func commandAccepted(_ name: String) { self.refusedCommands.remove(name) }
}
