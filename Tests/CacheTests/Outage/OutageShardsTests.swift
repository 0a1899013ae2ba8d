import Backoff
import Logging
import MemoryStore
import NIOCore
import RedisClient
import Testing

@testable import Cache

/// Shards are away one by one, and what Redis has missed goes with the slots.
@Suite struct OutageShardsTests {
    private let gate: OutageGate
    private let table = SlotTable()
    private let value = ByteBuffer(string: "v")

    init() {
        var settings = OutageSettings()
        settings.journalKeys = 4
        self.gate = OutageGate(
            memory: MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 20)), settings: settings, table: self.table, maximumShards: 3,
            logger: RecordedLog().logger)
        self.gate.becameCluster()
        for _ in 0..<2 { _ = self.gate.addShard() }
        self.gate.move(8000..<16_384, to: 1)
        self.gate.activate(1)
        self.gate.openForTest()
    }

    /// A key in a slot.
    private func key(_ shard: Int, _ number: Int = 0) -> ByteBuffer {
        let keys = (0..<100).map { ByteBuffer(string: "k\($0)") }.filter { (self.table.slot(of: $0) >= 8000) == (shard == 1) }
        return keys[number]
    }

    private func shard(of key: ByteBuffer) -> Int { self.table.shard(of: self.table.slot(of: key)) }

    private func set(_ key: ByteBuffer) -> CacheAnswer? {
        self.gate.set(key, slot: self.table.slot(of: key), value: self.value, ttlSeconds: nil, now: .now)
    }

    private func isAnswered(_ key: ByteBuffer) -> Bool {
        self.gate.get(key, slot: self.table.slot(of: key), shard: self.shard(of: key), acceptsCopy: true, now: .now) != nil
    }

    private func journal(_ shard: Int) -> [[UInt8]] { self.gate.journal(of: shard).entries(limit: .max).map(\.key) }

    @Test func oneIsAwayAndTheOtherIsNot() {
        self.gate.failed(.deadlines, shard: 1)
        #expect(self.gate.isOpen(0) && !self.gate.isAsked(1))
        #expect(self.isAnswered(self.key(1)) && !self.isAnswered(self.key(0)))
        #expect(self.gate.isRedisAsked && !self.gate.isRedisWhole)
        #expect(self.gate.report.state == .outage && self.gate.report.reason == .deadlines)
        #expect(self.gate.shardReports.map(\.outage.state) == [.connected, .outage])
    }

    @Test func theBoundsOfTheJournalAreOfAllShards() {
        for shard in 0..<2 { self.gate.failed(.deadlines, shard: shard) }
        for number in 0..<2 { for shard in 0..<2 { _ = self.set(self.key(shard, number)) } }
        #expect(self.gate.report.journalKeys == 4 && !self.gate.report.mustPurge)
        _ = self.set(self.key(1, 2))
        #expect(self.gate.shardReports.map(\.outage.mustPurge) == [false, true], "the shard that goes beyond pays")
        #expect(self.gate.report.journalKeys == 2)
    }

    @Test func aRecordMovesWithItsSlot() {
        let key = self.key(1)
        self.gate.failed(.deadlines, shard: 1)
        _ = self.set(key)
        #expect(self.journal(1) == [key.bytes])
        self.gate.move([self.table.slot(of: key)], to: 0)
        #expect(self.journal(1).isEmpty && self.journal(0) == [key.bytes])
        #expect(self.isAnswered(key), "memory answers until it is settled")
        #expect(self.gate.next(.woken, shard: 0) == .deleteKeys(self.gate.journal(of: 0).entries(limit: .max)))
        #expect(self.gate.isOpen(0) == false && self.gate.isAsked(0))
    }

    @Test func anotherShardThatGetsSlotsOfOneWithAPatternIsLostUntilThePatternIsDeleted() async {
        self.gate.failed(.deadlines, shard: 1)
        let asked = await self.gate.invalidate(Array("k*".utf8)) { _ in true }
        #expect(asked == [0])
        #expect(self.gate.journal(of: 1).patterns.count == 1 && self.gate.journal(of: 0).isEmpty)
        self.gate.move([8000], to: 0)
        #expect(!self.gate.isAsked(0) && self.gate.journal(of: 0).patterns.map(\.bytes) == [Array("k*".utf8)])
        self.gate.openForTest()
        #expect(self.gate.isOpen(0) && self.gate.isOpen(1))
    }

    @Test func slotsOfAShardThatIsThereBringNothing() async {
        let asked = await self.gate.invalidate(Array("k*".utf8)) { _ in true }
        #expect(asked == [0, 1])
        self.gate.move([8000], to: 0)
        #expect(self.gate.isOpen(0) && self.gate.isOpen(1))
    }

    @Test func aShardWithoutSlotsIsNotInUseAndOwesNothing() {
        let key = self.key(1)
        self.gate.failed(.deadlines, shard: 1)
        _ = self.set(key)
        self.gate.move(8000..<16_384, to: 0)
        self.gate.retire(1)
        #expect(self.gate.shardsInUse == [0] && self.gate.journal(of: 1).isEmpty)
        #expect(self.journal(0) == [key.bytes])
        #expect(self.gate.next(.woken, shard: 1) == .endConnections)
        #expect(self.gate.next(.connectionsEnded([7]), shard: 1) == .wait)
        self.gate.move([9000], to: 1)
        self.gate.activate(1)
        #expect(self.gate.next(.woken, shard: 1) == .endConnections, "its recovery begins anew")
    }

    @Test func memoryAnswersForSlotsThatNobodyServes() {
        let key = self.key(1)
        self.gate.move([self.table.slot(of: key)], to: 2)
        _ = self.set(key)
        #expect(self.isAnswered(key) && self.journal(2) == [key.bytes])
        #expect(self.gate.report.reason == .uncovered)
        self.gate.move([self.table.slot(of: key)], to: 0)
        #expect(self.journal(0) == [key.bytes] && self.gate.shardsInUse == [0, 1])
    }

    @Test func aCommandIsLateOnlyForTheShardThatHasTheSlot() {
        let key = self.key(1)
        let slot = self.table.slot(of: key)
        _ = self.gate.deleteInstead(key, slot: slot, shard: 0, isLate: true)
        #expect(self.journal(1) == [key.bytes], "the node that was asked does not serve the key any more")
        self.gate.openForTest()
        _ = self.gate.deleteInstead(key, slot: slot, shard: 1, isLate: true)
        #expect(self.journal(1) == [])
        self.gate.repliedLate(key, slot: slot)
        #expect(self.journal(1) == [key.bytes])
    }

    @Test func keysGetTheirSlotsWhenRedisIsFoundToBeACluster() {
        let table = SlotTable()
        let gate = OutageGate(
            memory: MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 20)), settings: OutageSettings(), table: table, maximumShards: 2,
            logger: RecordedLog().logger)
        let key = self.key(1)
        _ = gate.set(key, value: self.value, ttlSeconds: nil, now: .now)
        gate.becameCluster()
        _ = gate.addShard()
        gate.move([table.slot(of: key)], to: 1)
        #expect(gate.journal(of: 1).contains(key.bytes) && gate.journal(of: 0).isEmpty)
        // Somebody had looked for the slot before that was known.
        let other = self.key(0)
        _ = gate.set(other, slot: 0, value: self.value, ttlSeconds: nil, now: .now)
        gate.move([table.slot(of: other)], to: 1)
        #expect(gate.journal(of: 1).contains(other.bytes))
    }

    @Test func aNodeThatSaysThatTheClusterIsDownKeepsItsConnections() {
        let down = OutageCourse.clusterDown
        self.gate.failed(down, shard: 1)
        #expect(!self.gate.isAsked(1))
        #expect(self.gate.next(.woken, shard: 1) == .pause(.attempt(0)))
        #expect(self.gate.next(.pauseEnded, shard: 1) == .verifyWrites)
        let failure = RedisFailure(.serverError, "The cluster is down", prefix: "CLUSTERDOWN")
        #expect(self.gate.next(.stepFailed(failure), shard: 1) == .pause(.attempt(1)))
        #expect(self.gate.next(.pauseEnded, shard: 1) == .verifyWrites)
        #expect(self.gate.next(.writesVerified, shard: 1) == .wait)
        #expect(self.gate.isOpen(1), "and no connection was ended")
        self.gate.failed(down, shard: 1)
        self.gate.failed(.failure(.connectionClosed), shard: 1)
        #expect(self.gate.next(.woken, shard: 1) == .endConnections, "one that is lost is another matter")
    }

    @Test func aShardThatGetsANodeAgainDoubtsWhatWasWrittenBefore() {
        self.gate.move(8000..<16_384, to: 2)
        self.gate.retire(1)
        for event: RecoveryEvent in [.woken, .connectionsEnded([])] { _ = self.gate.next(event, shard: 1) }
        self.gate.move(8000..<16_384, to: 1)
        self.gate.activate(1)
        for event: RecoveryEvent in [.woken, .connectionsEnded([])] { _ = self.gate.next(event, shard: 1) }
        #expect(self.gate.next(.redisAnswered, shard: 1) == .identifyServer)
        #expect(self.gate.next(.serverIdentified("one"), shard: 1) == .collectRecentWrites, "though it calls itself the same")
    }

    @Test func invalidationsEndWhateverMoves() async {
        let asked = await self.gate.invalidate(Array("k*".utf8)) { _ in true }
        #expect(asked == [0, 1])
        self.gate.failed(.deadlines, shard: 1)
        for number in 0..<2 { _ = self.set(self.key(1, number)) }
        let slots = [self.table.slot(of: self.key(1)), self.table.slot(of: self.key(1, 1))]
        // Each comparison moves a slot to and fro.
        let remembered = await self.gate.invalidate(Array("k*".utf8)) { _ in
            for shard in [0, 1] { self.gate.move(slots, to: shard) }
            return true
        }
        #expect(remembered.count <= 1)
    }
}
