/// The bounds of a ``MemoryStore``.
package struct MemoryStoreConfiguration: Sendable {
    /// The minimum size of a shard, unless the whole store is smaller: 8 MiB. An entry may take a quarter of its shard (see ``MemoryFootprint``), so
    /// a value of 1 MiB fits into every store of at least 8 MiB.
    package static let minimumShardBytes = 8 << 20
    /// The maximum number of shards.
    package static let maximumShardCount = 1024

    /// The maximum size of all entries in bytes, including their bookkeeping. Clamped to 1 KiB ... 128 GiB, so that 32 bits can number the entries of
    /// even a single shard.
    package let maximumBytes: Int
    /// The number of independently locked parts: the greatest power of two that does not exceed the requested number and leaves each part at least
    /// ``minimumShardBytes``; 1 to ``maximumShardCount``.
    package let shardCount: Int

    /// - Parameters:
    ///   - maximumBytes: the bound of the whole store in bytes.
    ///   - shardCount: the requested number of shards. Several times the number of threads is plenty.
    package init(maximumBytes: Int = 512 << 20, shardCount: Int = 64) {
        let bytes = min(max(maximumBytes, 1 << 10), 1 << 37)
        let requested = min(max(shardCount, 1), Self.maximumShardCount)
        let affordable = max(1, bytes / Self.minimumShardBytes)
        self.maximumBytes = bytes
        self.shardCount = 1 << (Int.bitWidth - 1 - min(requested, affordable).leadingZeroBitCount)
    }

    /// The bound of one shard in bytes.
    package var shardBytes: Int { maximumBytes / shardCount }
}

/// The memory that an entry really takes, so that the bound on their sum is a bound on the memory of the process.
///
/// An entry has two parts. Its *bytes* are one object of key and value (``EntryStorage``), with 24 bytes in front of them and the overhead of the
/// allocator: glibc adds 8 bytes and rounds up to 16, or to pages from 128 KiB on, for which it calls the kernel. Its *slot* takes at most
/// - 41 bytes in the slab: 40 for ``MemoryEntry``, the rest for the list of chunks,
/// - 11.5 bytes in the index: 8 per bucket, at least 0.71 of them in use, and a few buckets behind the last home,
/// - 2.5 bytes in the ghost queue: a fingerprint of 2, plus up to a quarter of unused growth.
///
/// A slot is charged as long as the slab has it, whether in use or free, because the slab never gives a part of its memory back: after a great many
/// small entries, fewer large ones fit until the shard has been empty once. The bound on memory takes precedence over the number of entries.
///
/// Not charged: about 9 KiB per shard (the timer wheel, and slots of the last chunk that were never used) and, while the index of a shard grows,
/// the one that it replaces.
package enum MemoryFootprint {
    /// Bytes charged for each slot of the slab.
    package static let slotBytes = 55
    /// An entry may take a quarter of its shard. The slots take at most 55 of every 55 + 32 bytes (the smallest allocation), 63 %, so an accepted
    /// entry always finds room once enough others have been evicted.
    package static let maximumEntryShare = 4

    private static let mappedAllocationBytes = 128 << 10
    private static let pageBytes = 4 << 10

    /// Bytes charged for `byteCount` bytes of key and value.
    package static func storageBytes(_ byteCount: Int) -> Int {
        let requested = byteCount + EntryStorage.headerBytes
        if requested < mappedAllocationBytes {
            return (requested + 8 + 15) & ~15
        }
        return (requested + 16 + pageBytes - 1) & ~(pageBytes - 1)
    }
}
