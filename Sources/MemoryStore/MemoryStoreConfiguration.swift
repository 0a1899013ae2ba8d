/// The bounds of a ``MemoryStore``.
package struct MemoryStoreConfiguration: Sendable {
    /// The least part of the bound that a shard is given, unless the whole bound is smaller: 8 MiB. An entry may take a quarter of its shard (see
    /// ``MemoryFootprint``), so that a value of 1 MiB fits into every store of 8 MiB and more.
    package static let minimumShardBytes = 8 << 20
    /// The greatest number of shards.
    package static let maximumShardCount = 1024

    /// What the entries may take together, in bytes, their bookkeeping included. Clamped to 1 KiB ... 512 GiB, so
    /// that 32 bits number the entries even of a single shard.
    package let maximumBytes: Int
    /// The number of independently locked parts: the power of two at or below what was asked for that leaves each at least
    /// ``minimumShardBytes``; 1 to ``maximumShardCount``.
    package let shardCount: Int

    /// - Parameters:
    ///   - maximumBytes: the bound of the whole store in bytes; default 512 MiB.
    ///   - shardCount: the wished number of shards; default 64. Several times the number of threads is plenty.
    package init(maximumBytes: Int = 512 << 20, shardCount: Int = 64) {
        let bytes = min(max(maximumBytes, 1 << 10), 1 << 39)
        let wished = min(max(shardCount, 1), Self.maximumShardCount)
        let affordable = max(1, bytes / Self.minimumShardBytes)
        self.maximumBytes = bytes
        self.shardCount = 1 << (Int.bitWidth - 1 - min(wished, affordable).leadingZeroBitCount)
    }

    /// The bound of one shard in bytes.
    package var shardBytes: Int { maximumBytes / shardCount }
}
