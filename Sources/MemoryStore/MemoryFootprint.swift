/// What an entry really takes, so that a bound on the sum is a bound on memory and not on an ideal.
///
/// An entry has two parts. Its *bytes* are one array of key and value: 32 bytes of header (metadata, reference count, count, capacity) and the
/// allocator's, 8 bytes rounded up to 16 as glibc does, or to pages from 128 KiB on, where glibc asks the kernel. Its *slot* is
/// - 60 bytes in the slab: 48 for ``MemoryEntry``, and up to a quarter of unused growth,
/// - 16 bytes in the index: 8 per bucket, at least half of which are in use,
/// - 6 bytes of ghost: a fingerprint of 4 and up to a half of unused growth.
///
/// A slot is charged as long as the slab has it, in use or free, since the slab never gives a part back: after very many small entries, fewer large
/// ones fit until the shard has once been empty. The bound is kept rather than the number of entries.
///
/// Not charged: about 3 KiB for each shard, and for the time of a growth the structure that is being replaced, of one shard.
package enum MemoryFootprint {
    /// Bytes charged for each slot of the slab.
    package static let slotBytes = 82
    /// An entry may take one part in four of its shard. The slots take at most 82 of every 82 + 48 bytes (the smallest allocation), 63 %, so an
    /// admitted entry always finds room once enough others have gone.
    package static let maximumEntryShare = 4

    private static let arrayHeaderBytes = 32
    private static let mappedAllocationBytes = 128 << 10
    private static let pageBytes = 4 << 10

    /// Bytes charged for the array that holds `byteCount` bytes of key and value.
    package static func storageBytes(_ byteCount: Int) -> Int {
        let requested = byteCount + arrayHeaderBytes
        if requested < mappedAllocationBytes {
            return (requested + 8 + 15) & ~15
        }
        return (requested + 16 + pageBytes - 1) & ~(pageBytes - 1)
    }
}
