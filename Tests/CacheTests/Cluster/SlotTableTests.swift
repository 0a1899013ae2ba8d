import NIOCore
import RedisClient
import Testing

@testable import Cache

@Suite struct SlotTableTests {
    private let table = SlotTable()
    private let key = ByteBuffer(string: "foo")

    /// 12182 is what `CLUSTER KEYSLOT foo` answers.
    @Test func onlyAClusterHasSlots() {
        #expect(self.table.slot(of: self.key) == 0)
        #expect(self.table.place(of: self.key) == SlotTable.Place(slot: 0, epoch: 0, shard: 0))
        self.table.isCluster = true
        #expect(self.table.slot(of: self.key) == 12_182)
        #expect(self.table.slot(of: ByteBuffer(string: "bar{foo}")) == 12_182)
        #expect(self.table.place(of: self.key) == SlotTable.Place(slot: 12_182, epoch: 0, shard: 0))
    }

    @Test func anAssignmentConcernsOneSlot() {
        self.table.assign(16_383, to: 7)
        self.table.assign(0, to: 8)
        #expect(self.table.place(ofSlot: 16_383) == SlotTable.Place(slot: 16_383, epoch: 1, shard: 7))
        #expect(self.table.place(ofSlot: 0) == SlotTable.Place(slot: 0, epoch: 1, shard: 8))
        #expect(self.table.place(ofSlot: 1) == SlotTable.Place(slot: 1, epoch: 0, shard: 0))
        #expect(self.table.slots(of: 7) == [16_383])
        #expect(self.table.slots(of: 0).count == 16_382)
    }

    @Test func doubtLeavesTheOwner() {
        self.table.assign(5, to: 3)
        self.table.raise(5)
        #expect(self.table.place(ofSlot: 5) == SlotTable.Place(slot: 5, epoch: 2, shard: 3))
    }

    // MARK: Probe keys

    @Test func aProbeKeyIsInASlotOfItsShard() throws {
        self.table.isCluster = true
        for slot in 0..<UInt16(HashSlot.count) { self.table.assign(slot, to: slot < 100 ? 1 : 2) }
        var probe = ProbeKey(prefix: "probe")
        let found = [probe.key(of: 1, in: self.table), probe.key(of: 1, in: self.table)].compactMap(\.self)
        let first = try #require(found.first)
        #expect(first.slot < 100 && first.slot == self.table.slot(of: first.key))
        #expect(found.last?.key == first.key, "it stays")
        self.table.assign(first.slot, to: 2)
        let next = probe.key(of: 1, in: self.table)
        let second = try #require(next)
        #expect(second.slot < 100 && second.slot != first.slot, "until its slot moves")
        probe.discard()
        let third = probe.key(of: 1, in: self.table)
        #expect(third != nil && third?.key != second.key)
    }

    @Test func aShardWithOneSlotHasAProbeKey() {
        self.table.isCluster = true
        self.table.assign(12_182, to: 4)
        var probe = ProbeKey(prefix: "probe")
        let only = probe.key(of: 4, in: self.table)
        #expect(only?.slot == 12_182)
        let none = probe.key(of: 5, in: self.table)
        #expect(none == nil, "a shard without slots has none")
    }
}
