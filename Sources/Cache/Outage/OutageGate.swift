package import Logging
package import MemoryStore
import NIOCore
import RedisClient
import Synchronization

/// Decides for every operation on a key whether Redis is asked or memory answers, for all event loops alike, and for each shard of a cluster by itself.
///
/// While the shard is there and has missed nothing, the answer is one load of an atomic. Otherwise its state machine with its journal is asked under a
/// lock, except for reads while the gate is closed, which memory answers alone.
///
/// Whose a record is, is decided by the slot of its key. Slots move from shard to shard under the same lock, and what Redis has missed of them moves
/// along: there is no moment at which a key has a record that is not looked for.
///
/// Invariant: what the embedded store holds are the values of keys in the journal, unless the journal must delete everything, and while Redis is away
/// `LocalKeys`. So a key that leaves the journal leaves the store under the same lock, the others leave it before Redis is asked, and no later outage
/// finds an old value there.
package final class OutageGate: Sendable {
    let settings: OutageSettings
    let memory: EmbeddedStore
    /// Copies of reads, which are what was last known in an outage; nil if none are kept.
    package let near: NearCache?
    /// Which shard has which slot; changes only under the lock.
    package let table: SlotTable
    private let staleMilliseconds: Int64
    let logger: Logger
    let machines: Mutex<OutageShards>
    /// By the number of the shard: all that there can be.
    let shards: [OutageShard]
    /// Ends when the first attempt to reach Redis has ended, well or not.
    private let firstAttempt: AsyncStream<Void>
    let endFirstAttempt: AsyncStream<Void>.Continuation
    /// What Redis does not let the service do though it serves it otherwise.
    let refusedCommands = RefusedCommands()

    /// - Parameters:
    ///   - near: copies of reads; nil if none are kept.
    ///   - maximumShards: 1 for a single Redis; 65,535 at most. There is one from the beginning.
    package init(
        memory: MemoryStore, near: NearCache? = nil, settings: OutageSettings, table: SlotTable = SlotTable(), maximumShards: Int = 1, logger: Logger
    ) {
        self.settings = settings
        self.near = near
        self.staleMilliseconds = settings.staleLimit.nanoseconds / 1_000_000
        self.memory = EmbeddedStore(memory, source: .outage)
        self.table = table
        self.logger = logger
        var machines = OutageShards(settings)
        machines.append(isAbsent: false, inCluster: false, now: .now)
        self.machines = Mutex(machines)
        self.shards = (0..<maximumShards).map { _ in OutageShard() }
        (self.firstAttempt, self.endFirstAttempt) = AsyncStream.makeStream()
    }

    /// How long writes are remembered.
    var recentWritesSpan: TimeAmount { self.settings.effectiveRecentWritesSpan(inCluster: self.table.isCluster) }

    /// Whether the shard is asked for any of its keys.
    func isOpen(_ shard: Int) -> Bool { self.shards[shard].gate == .open }

    /// Whether the shard is asked at all.
    func isAsked(_ shard: Int) -> Bool { self.shards[shard].gate != .closed }

    /// Changes the machine of a shard, and moves its gate under the same lock.
    func withMachine<Result: Sendable>(_ shard: Int, _ body: (inout OutageStateMachine) -> Result) -> Result {
        self.machines.withLock { self.change(shard, &$0, body) }
    }

    /// The same for the shard that has the key, with what there is to know of its place.
    func withMachine<Result: Sendable>(
        of key: [UInt8], _ slot: UInt16, _ body: (KeyPlace, inout OutageStateMachine) -> Result
    ) -> (shard: Int, result: Result) {
        self.machines.withLock { machines in
            let place = self.place(of: key, slot)
            return (place.shard, self.change(place.shard, &machines) { body(place, &$0) })
        }
    }

    /// To be called under the lock. Whoever has looked for the slot may not have known yet that Redis is a cluster.
    func place(of key: [UInt8], _ slot: UInt16) -> KeyPlace {
        let slot = slot == 0 ? self.table.slot(of: key) : slot
        return KeyPlace(slot: slot, shard: self.table.shard(of: slot))
    }

    /// To be called under the lock.
    func change<Result>(_ shard: Int, _ machines: inout OutageShards, _ body: (inout OutageStateMachine) -> Result) -> Result {
        let result = machines.change(shard, body)
        self.shards[shard].move(to: machines.machines[shard].gate)
        return result
    }

    // MARK: Operations on a key

    /// - Parameters:
    ///   - slot: of the key; 0 without a cluster.
    ///   - shard: that has the slot, as the caller sees it.
    ///   - acceptsCopy: whether what was last known may be the answer.
    /// - Returns: nil if Redis is to be asked.
    func get(_ key: ByteBuffer, slot: UInt16 = 0, shard: Int = 0, acceptsCopy: Bool, now: MonotonicTime) -> CacheAnswer? {
        switch self.shards[shard].gate {
        case .open:
            return nil
        case .closed:
            return self.read(key, slot, acceptsCopy: acceptsCopy, now: now)
        case .guarded:
            return self.machines.withLock { machines in
                machines.machines[self.table.shard(of: slot)].answers(key.bytes) ? self.memory.get(key, now: now) : nil
            }
        }
    }

    /// Whether the shard is asked for a key.
    func isAsked(_ shard: Int, for key: ByteBuffer, slot: UInt16) -> Bool {
        switch self.shards[shard].gate {
        case .open: true
        case .closed: false
        case .guarded: self.machines.withLock { !$0.machines[self.table.shard(of: slot)].answers(key.bytes) }
        }
    }

    /// - Returns: nil if Redis is to be asked.
    func set(_ key: ByteBuffer, slot: UInt16 = 0, value: ByteBuffer, ttlSeconds: Int64?, now: MonotonicTime) -> CacheAnswer? {
        let bytes = key.bytes
        return self.record(bytes, slot) { place, machine in
            guard machine.answers(bytes) else { return nil }
            return self.store(key, bytes, place.slot, value, ttlSeconds, isLate: false, now, &machine)
        }
    }

    /// - Returns: nil if Redis is to be asked.
    func delete(_ key: ByteBuffer, slot: UInt16 = 0, now: MonotonicTime) -> CacheAnswer? {
        let bytes = key.bytes
        return self.record(bytes, slot) { place, machine in
            guard machine.answers(bytes) else { return nil }
            return self.remove(key, bytes, place.slot, isLate: false, now, &machine)
        }
    }

    // MARK: Operations that Redis did not answer

    /// A read that Redis did not answer.
    func getInstead(_ key: ByteBuffer, slot: UInt16 = 0, acceptsCopy: Bool) -> CacheAnswer {
        self.read(key, slot, acceptsCopy: acceptsCopy, now: .now)
    }

    /// What memory answers: what was written without Redis, or else what was last known, unless the journal knows better.
    ///
    /// A lease of this process hides no value that was last known. And that somebody had a lease when Redis was lost keeps nobody from one of this process.
    private func read(_ key: ByteBuffer, _ slot: UInt16, acceptsCopy: Bool, now: MonotonicTime) -> CacheAnswer {
        let answer = self.memory.get(key, now: now)
        guard !answer.hasValue, acceptsCopy, self.settings.reads == .near, let near,
            let copy = near.lastKnown(key, slot: slot, staleMilliseconds: self.staleMilliseconds, now: now), copy.hasValue
        else { return answer }
        return self.journal(ofSlot: slot).contains(key.bytes) ? answer : copy
    }

    /// A write that Redis did not answer, and may or may not carry out.
    /// - Parameters:
    ///   - shard: over whose connection it was sent.
    ///   - isLate: whether it still may, over a connection that lives; `repliedLate` tells when it has.
    func setInstead(
        _ key: ByteBuffer, slot: UInt16 = 0, shard: Int = 0, value: ByteBuffer, ttlSeconds: Int64?, isLate: Bool
    ) -> CacheAnswer {
        let bytes = key.bytes
        return self.recordInstead(bytes, slot) { place, machine in
            self.store(key, bytes, place.slot, value, ttlSeconds, isLate: isLate && place.shard == shard, .now, &machine)
        }
    }

    /// A deletion that Redis did not answer, and may or may not carry out.
    func deleteInstead(_ key: ByteBuffer, slot: UInt16 = 0, shard: Int = 0, isLate: Bool) -> CacheAnswer {
        let bytes = key.bytes
        return self.recordInstead(bytes, slot) { place, machine in
            self.remove(key, bytes, place.slot, isLate: isLate && place.shard == shard, .now, &machine)
        }
    }

    /// A write that was given up has been carried out or refused.
    func repliedLate(_ key: ByteBuffer, slot: UInt16 = 0) {
        let bytes = key.bytes
        let (shard, isToBeSettled) = self.withMachine(of: bytes, slot) { $1.repliedLate(bytes) }
        if isToBeSettled { self.shards[shard].demand() }
    }

    private typealias Recorded = (CacheAnswer, RecordAction)

    private func store(
        _ key: ByteBuffer, _ bytes: [UInt8], _ slot: UInt16, _ value: ByteBuffer, _ ttlSeconds: Int64?, isLate: Bool, _ now: MonotonicTime,
        _ machine: inout OutageStateMachine
    ) -> Recorded {
        let answer = self.memory.set(key, value: value, ttlSeconds: ttlSeconds, now: now)
        // A value that memory cannot hold is refused; but what Redis may hold of it by now has to go.
        let isValue = if case .stored = answer { true } else { false }
        return (answer, machine.record(bytes, slot: slot, isValue: isValue, isLate: isLate, now: now))
    }

    private func remove(
        _ key: ByteBuffer, _ bytes: [UInt8], _ slot: UInt16, isLate: Bool, _ now: MonotonicTime, _ machine: inout OutageStateMachine
    ) -> Recorded {
        var answer = self.memory.delete(key, now: now)
        // What memory does not know may be in Redis, and will be gone from there.
        if case .miss = answer, !machine.journal.contains(bytes), !self.isKnownAbsence(key, slot, now) { answer = .deleted(.outage) }
        return (answer, machine.record(bytes, slot: slot, isValue: false, isLate: isLate, now: now))
    }

    private func isKnownAbsence(_ key: ByteBuffer, _ slot: UInt16, _ now: MonotonicTime) -> Bool {
        guard case .miss = self.near?.lastKnown(key, slot: slot, staleMilliseconds: self.staleMilliseconds, now: now) else { return false }
        return true
    }

    private func recordInstead(_ key: [UInt8], _ slot: UInt16, _ body: (KeyPlace, inout OutageStateMachine) -> Recorded) -> CacheAnswer {
        let (shard, (answer, action)) = self.withMachine(of: key, slot, body)
        // Only now is the gate where the record wants it: a read that has found it open before has a ticket that this makes invalid.
        self.near?.drop(key)
        self.perform(action, shard)
        return answer
    }

    private func record(_ key: [UInt8], _ slot: UInt16, _ body: (KeyPlace, inout OutageStateMachine) -> Recorded?) -> CacheAnswer? {
        let (shard, recorded) = self.withMachine(of: key, slot, body)
        guard let (answer, action) = recorded else { return nil }
        self.near?.drop(key)
        self.perform(action, shard)
        return answer
    }

    func perform(_ action: RecordAction, _ shard: Int) {
        switch action {
        case .none: break
        case .wake: self.shards[shard].demand()
        case .lose(let loss): self.perform(loss, .slotsMoved, shard)
        case .overflow(let loss):
            self.perform(loss, .journalFull, shard)
            self.noteOverflow(shard)
        }
    }

    func perform(_ action: LossAction, _ reason: OutageReason, _ shard: Int) {
        switch action {
        case .ignore: break
        case .close: self.shards[shard].demand()
        case .closeAndLog:
            self.shards[shard].demand()
            self.log(.away(reason), shard)
        }
    }

    /// Frees what the journal has given up. That takes its time, so it is done without the lock.
    func noteOverflow(_ shard: Int) {
        // Which keys were written or deleted is not known any more, so no copy can be trusted.
        self.near?.fence.forgetEverything()
        _ = self.withMachine(shard) { $0.takeDropped() }
        self.log(.journalFull, shard)
    }

    /// What has to be replayed for the shard that has the slot; a copy is O(1).
    private func journal(ofSlot slot: UInt16) -> OutageJournal {
        self.machines.withLock { $0.machines[self.table.shard(of: slot)].journal }
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
}

/// Where a key is, as seen under the lock.
struct KeyPlace {
    let slot: UInt16
    let shard: Int
}

extension ByteBuffer {
    /// A copy, free of whatever larger memory the buffer is a slice of.
    var bytes: [UInt8] { Array(self.readableBytesView) }
}
