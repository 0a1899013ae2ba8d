import MemoryStore
import Synchronization

// Which shards there are and which slots they have, as the topology of the cluster says.
extension OutageGate {
    /// The shards that have slots, by number.
    package var shardsInUse: [Int] { self.machines.withLock { self.inUse($0) } }

    func inUse(_ machines: OutageShards) -> [Int] { machines.machines.indices.filter { machines.slotCounts[$0] > 0 } }

    /// How many slots each shard has, by its number.
    package var slotCounts: [Int] { self.machines.withLock { $0.slotCounts } }

    /// How many shards there have been.
    var shardCount: Int { self.machines.withLock { $0.machines.count } }

    /// Redis is a cluster: until now every key was in slot 0 of shard 0. O(journal), once.
    func becameCluster() {
        self.machines.withLock { machines in
            guard !self.table.isCluster else { return }
            self.table.isCluster = true
            self.change(0, &machines) { $0.becameCluster(self.settings, slot: self.table.slot(of:)) }
        }
    }

    /// Adds a shard without slots, of which nobody looks for a node before `activate`.
    /// - Returns: its number; nil if there are as many as there may be.
    package func addShard() -> Int? {
        self.machines.withLock { machines in
            guard machines.machines.count < self.shards.count else { return nil }
            machines.append(isAbsent: true, inCluster: self.table.isCluster, now: .now)
            return machines.machines.count - 1
        }
    }

    /// Slots have another shard from now on, and what Redis has missed of them is that shard's business.
    /// O(slots + records of the shards that lose them + keys that memory has changed alone).
    package func move(_ slots: some Sequence<UInt16>, to shard: Int) {
        let actions = self.machines.withLock { machines in
            var moved: [Int: Set<UInt16>] = [:]
            for slot in slots {
                let owner = self.table.shard(of: slot)
                if owner != shard { moved[owner, default: []].insert(slot) }
            }
            // The shard that has them now may be asked for their keys at once.
            self.forgetLocalChanges(&machines)
            return moved.map { owner, slots in
                let debt = self.change(owner, &machines) { $0.giveUp(slots: slots) }
                for slot in slots { self.table.assign(slot, to: shard) }
                machines.moved(slots.count, from: owner, to: shard)
                if machines.slotCounts[owner] == 0 { self.change(owner, &machines) { $0.forgetSlots() } }
                return self.change(shard, &machines) { $0.takeOver(debt, slot: self.table.slot(of:), now: .now) }
            }
        }
        for action in actions { self.perform(action, shard) }
    }

    /// A node serves the shard: it is looked for.
    package func activate(_ shard: Int) {
        self.withMachine(shard) { $0.activate(now: .now) }
        self.shards[shard].demand()
    }

    /// The shard has no slots any more: its connections are ended.
    package func retire(_ shard: Int) {
        self.withMachine(shard) { $0.retire(now: .now) }
        self.shards[shard].demand()
    }

    /// Another node serves the shard than the one that it is connected to.
    package func failedOver(_ shard: Int) { self.failed(.failedOver, shard: shard) }

    /// Everything has been deleted from the shard: memory forgets its keys, too.
    func forgetValues(ofShard shard: Int) async {
        guard self.table.isCluster else { return await self.memory.removeAll() }
        _ = await self.memory.walk(.remove) { self.table.shard(of: self.table.slot(of: $0)) == shard }
    }

    /// Whether anything of Redis is asked.
    package var isRedisAsked: Bool { self.shardsInUse.contains { self.isAsked($0) } }

    /// Whether every shard is asked.
    package var isRedisWhole: Bool { self.shardsInUse.allSatisfy { self.isAsked($0) } }
}
