import MemoryStore

/// The product's store as a policy. Its single shard gets the capacity that the ideal policies count, converted to what it charges: the sizes of a
/// trace are those of ``MemoryFootprint``, so the bound is the same number of bytes.
struct RealStore: CachePolicy {
    private let store: MemoryStore
    private let value = [UInt8](repeating: 1, count: 1 << 17)
    private let now = MonotonicTime(milliseconds: 0)

    init(capacity: Int) {
        store = MemoryStore(MemoryStoreConfiguration(maximumBytes: capacity, shardCount: 1), seed: HashSeed(low: 1, high: 2))
    }

    mutating func access(_ key: Int, size: Int) -> Bool {
        withUnsafeBytes(of: key) { bytes in
            let key = bytes.bindMemory(to: UInt8.self).span
            if store.get(key, now: now) != nil { return true }
            // 24 bytes are in front of key and value, 8 are the allocator's.
            let valueCount = max(0, size - MemoryFootprint.slotBytes - 32 - key.count)
            _ = store.set(key, value: value.span.extracting(first: valueCount), expiresAt: nil, now: now)
            return false
        }
    }
}
