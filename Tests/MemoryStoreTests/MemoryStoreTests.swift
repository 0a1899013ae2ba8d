import Testing

@testable import MemoryStore

struct MemoryStoreTests {
    private let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 64 << 20), seed: HashSeed(low: 1, high: 2))

    @Test func `a value is returned byte for byte, empty keys and values included`() throws {
        let bytes = (0...255).map { UInt8($0) }
        let outcome = store.set(bytes.span, value: bytes.span, expiresAt: nil, now: MonotonicTime(milliseconds: 0))
        #expect(outcome == .stored)
        store.set("", "")
        let found = store.get(bytes.span, now: MonotonicTime(milliseconds: 0))
        let hit = try #require(found)
        #expect(hit.withValueBytes { Array($0) } == bytes)
        #expect(hit.valueCount == 256)
        #expect(hit.expiresAt == nil)
        #expect(store.get("", at: 0) == "")
        #expect(store.get("absent", at: 0) == nil)
    }

    @Test func `a hit outlives the removal of its entry`() throws {
        store.set("a", "first")
        let found = store.get(Array("a".utf8).span, now: MonotonicTime(milliseconds: 0))
        let hit = try #require(found)
        store.set("a", "second")
        #expect(store.remove("a", at: 0))
        #expect(hit.withValueBytes { String(decoding: $0, as: UTF8.self) } == "first")
    }

    @Test func `an entry is served up to the millisecond before its deadline`() throws {
        store.set("a", "1", expiresAt: 1_000, at: 0)
        #expect(store.get("a", at: 999) == "1")
        let found = store.get(Array("a".utf8).span, now: MonotonicTime(milliseconds: 999))
        let hit = try #require(found)
        #expect(hit.expiresAt == MonotonicTime(milliseconds: 1_000))
        #expect(store.get("a", at: 1_000) == nil)
        #expect(store.statistics().expirations == 1)
        #expect(store.statistics().entries == 0)
    }

    @Test func `an overwrite changes the deadline in every direction`() {
        store.set("a", "1", expiresAt: 100, at: 0)
        store.set("a", "2", expiresAt: 500, at: 0)
        #expect(store.get("a", at: 300) == "2")
        store.set("a", "3", at: 300)
        #expect(store.get("a", at: 1_000_000) == "3")
        store.set("a", "4", expiresAt: 1_000_010, at: 1_000_000)
        #expect(store.get("a", at: 1_000_009) == "4")
        #expect(store.get("a", at: 1_000_010) == nil)
    }

    @Test func `a value whose time is over on arrival leaves the key absent`() {
        store.set("a", "1", at: 0)
        #expect(store.set("a", "2", expiresAt: 50, at: 50) == .stored)
        #expect(store.get("a", at: 0) == nil)
    }

    @Test func `removing an expired entry is false`() {
        store.set("a", "1", expiresAt: 100, at: 0)
        store.set("b", "1", expiresAt: 100, at: 0)
        #expect(store.remove("a", at: 99))
        #expect(!store.remove("b", at: 100))
        #expect(!store.remove("c", at: 0))
    }

    @Test func `clocks that disagree by a little do no harm`() {
        store.set("a", "1", expiresAt: 1_000, at: 500)
        store.set("b", "2", expiresAt: 1_010, at: 498)
        #expect(store.get("a", at: 499) == "1")
        #expect(store.get("a", at: 1_001) == nil)
        #expect(store.get("b", at: 999) == "2")
        #expect(store.get("b", at: 1_010) == nil)
    }

    @Test func `expired entries are collected without being asked for, no more than allowed at once`() {
        for number in 0..<500 { store.set("key \(number)", "1", expiresAt: 1_000 + Int64(number), at: 1_000 - 1) }
        #expect(store.collectExpired(now: MonotonicTime(milliseconds: 999), limit: .max) == 0)
        #expect(store.collectExpired(now: MonotonicTime(milliseconds: 10_000), limit: 10) <= 10)
        var calls = 0
        while store.statistics(at: 0).entries > 0, calls < 1_000 {
            _ = store.collectExpired(now: MonotonicTime(milliseconds: 10_000), limit: 10)
            calls += 1
        }
        #expect(store.statistics().entries == 0)
        #expect(store.statistics().expirations == 500)
        #expect(calls > 10)
    }

    @Test func `writes alone keep up with what expires`() {
        let single = MemoryStore(MemoryStoreConfiguration(maximumBytes: 8 << 20))
        for number in 0..<20_000 {
            single.set("key \(number)", "1", expiresAt: Int64(number) + 100, at: Int64(number))
        }
        // 100 live ones, and a few for which the steps of one operation did not suffice.
        #expect(single.shards[0].statistics.entries < 200)
    }

    @Test func `what is counted is what happened`() {
        store.set("a", "1")
        store.set("a", "2")
        store.set("b", "1", expiresAt: 10)
        _ = store.get("a", at: 0)
        _ = store.get("a", at: 0)
        _ = store.get("x", at: 0)
        _ = store.get("b", at: 10)
        _ = store.remove("a", at: 10)
        _ = store.remove("a", at: 10)
        store.set("large", byteCount: 3 << 20)
        store.set("c", "1")
        let slot = MemoryFootprint.slotBytes
        var expected = MemoryStatistics()
        expected.entries = 1
        expected.maximumBytes = 64 << 20
        expected.hits = 2
        expected.misses = 2
        expected.sets = 4
        expected.deletes = 1
        expected.expirations = 1
        expected.rejections = 1
        var actual = store.statistics(at: 10)
        // Slots are charged as long as their shard has them: one for each of the three keys at most.
        #expect((slot + 48...3 * slot + 48).contains(actual.bytes))
        actual.bytes = 0
        #expect(actual == expected)
    }

    @Test func `a value that is too large evicts nothing but its predecessor`() {
        store.set("a", "old")
        store.set("b", "other")
        #expect(store.set("a", byteCount: store.maximumEntryBytes) == .tooLarge)
        #expect(store.get("a", at: 0) == nil)
        #expect(store.get("b", at: 0) == "other")
        #expect(store.statistics().evictions == 0)
        #expect(store.statistics().deletes == 0)
        let largest = store.maximumEntryBytes - MemoryFootprint.slotBytes - (8 << 10)
        #expect(store.set("a", byteCount: largest) == .stored)
    }
}

struct MemoryStoreConfigurationTests {
    @Test func `the default is 64 shards of 8 MiB`() {
        let configuration = MemoryStoreConfiguration()
        #expect(configuration.shardCount == 64)
        #expect(configuration.shardBytes == 8 << 20)
    }

    @Test(arguments: zip([0, 1 << 20, 8 << 20, 16 << 20, 63 << 20, 1 << 30], [1, 1, 1, 2, 4, 64]))
    func `a small bound has fewer shards`(bytes: Int, shards: Int) {
        #expect(MemoryStoreConfiguration(maximumBytes: bytes, shardCount: 64).shardCount == shards)
    }

    @Test(arguments: zip([-1, 1, 3, 100, 5_000], [1, 1, 2, 64, 1_024]))
    func `the number of shards is a power of two within its range`(wished: Int, actual: Int) {
        #expect(MemoryStoreConfiguration(maximumBytes: 1 << 36, shardCount: wished).shardCount == actual)
    }

    @Test(arguments: [8 << 20, 9 << 20, 24 << 20, 512 << 20])
    func `a value of 1 MiB with a key of 64 KiB fits from 8 MiB on`(bytes: Int) {
        let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: bytes))
        #expect(store.set(String(repeating: "k", count: 64 << 10), byteCount: 1 << 20) == .stored)
    }
}
