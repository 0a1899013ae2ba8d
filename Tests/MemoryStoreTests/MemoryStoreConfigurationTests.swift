import Testing

@testable import MemoryStore

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
