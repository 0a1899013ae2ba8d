import MemoryStore
import RedisClient
import Synchronization

/// The outages of all shards, which `OutageGate` keeps under one lock. The bounds of the journal are of all shards together. A single Redis is one shard.
struct OutageShards {
    private(set) var machines: [OutageStateMachine] = []
    /// How many slots each shard has.
    private(set) var slotCounts: [Int] = []
    /// How often slots have moved from one shard to another.
    private(set) var moves = 0
    /// What memory has changed without any journal, over all shards.
    var localKeys: LocalKeys
    private let settings: OutageSettings
    /// What all journals hold.
    private var keys = 0
    private var bytes = 0

    init(_ settings: OutageSettings) {
        self.settings = settings
        self.localKeys = LocalKeys(settings)
    }

    /// Adds a shard. The first has all slots.
    /// - Parameter isAbsent: whether there is no node to look for yet.
    mutating func append(isAbsent: Bool, inCluster: Bool, now: MonotonicTime) {
        self.slotCounts.append(self.machines.isEmpty ? HashSlot.count : 0)
        self.machines.append(OutageStateMachine(self.settings, inCluster: inCluster, isAbsent: isAbsent, now: now))
    }

    /// Slots have moved.
    mutating func moved(_ slots: Int, from source: Int, to target: Int) {
        self.slotCounts[source] -= slots
        self.slotCounts[target] += slots
        self.moves += 1
    }

    /// Changes the machine of a shard. O(1) beside the change.
    mutating func change<Result>(_ shard: Int, _ body: (inout OutageStateMachine) -> Result) -> Result {
        let keys = self.keys - self.machines[shard].journal.keyCount
        let bytes = self.bytes - self.machines[shard].journal.bytes
        self.machines[shard].share(keysElsewhere: keys, bytesElsewhere: bytes)
        let result = body(&self.machines[shard])
        self.keys = keys + self.machines[shard].journal.keyCount
        self.bytes = bytes + self.machines[shard].journal.bytes
        return result
    }
}

/// How one shard stands, readable without the lock, and what wakes its recovery.
final class OutageShard: Sendable {
    private let position = Atomic<UInt8>(GatePosition.closed.rawValue)
    /// Wakes the recovery if there may be something to do for it.
    let demands: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (self.demands, self.continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.demand()
    }

    /// Who answers for the keys of the shard.
    var gate: GatePosition { GatePosition(rawValue: self.position.load(ordering: .acquiring)) ?? .closed }

    /// Changes only under the lock.
    func move(to position: GatePosition) { self.position.store(position.rawValue, ordering: .releasing) }

    func demand() { self.continuation.yield() }
}
