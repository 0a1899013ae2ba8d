import Synchronization

/// A table of bytes by bytes, held in memory, bounded by bytes, with expiry to the millisecond and eviction of the least useful entries.
///
/// The table is split by hash into shards, each with its own lock (``MemoryShard``), so that threads rarely wait for each other; every operation
/// holds one lock for a short time and copies no value under it. Within a shard (``ShardTable``) an index finds the entry (``HashIndex``), a wheel the
/// expired ones (``TimerWheel``), and a policy what to give up (``S3FIFOPolicy``).
///
/// Time is a parameter, from any monotonic clock. Threads may disagree about it by a little and it may even step back: an entry is served exactly while the
/// given time is before its deadline, unless somebody with a later time has already found it expired.
package final class MemoryStore: Sendable {
    /// The bounds that apply, after clamping.
    package let configuration: MemoryStoreConfiguration
    /// The most that one entry may take, in bytes as ``MemoryFootprint`` counts them: a quarter of a shard, at most 1 GiB.
    package let maximumEntryBytes: Int

    let shards: [MemoryShard]
    private let seed: HashSeed
    private let shardShift: UInt64
    private let nextCollected = Atomic<Int>(0)

    /// - Parameters:
    ///   - configuration: bounds.
    ///   - seed: the secret of the hash; chosen at random unless a test needs a fixed one.
    package init(_ configuration: MemoryStoreConfiguration, seed: HashSeed = .random()) {
        let shardBytes = configuration.shardBytes
        self.configuration = configuration
        self.seed = seed
        maximumEntryBytes = min(shardBytes / MemoryFootprint.maximumEntryShare, 1 << 30)
        shards = (0..<configuration.shardCount).map { _ in MemoryShard(maximumBytes: shardBytes) }
        shardShift = UInt64(UInt64.bitWidth - configuration.shardCount.trailingZeroBitCount)
    }

    /// Returns the value of a key unless it has expired. Expected O(key length).
    package func get(_ key: Span<UInt8>, now: MonotonicTime) -> MemoryHit? {
        let (shard, tag) = locate(key)
        return shard.get(key, tag: tag, now: now)
    }

    /// Stores a copy of key and value in place of any older value, and evicts others if room is needed. O(key and value length) and O(1) amortised
    /// evictions.
    ///
    /// - Parameters:
    ///   - expiresAt: the first moment at which the value is not served any more; nil if it does not expire. If it is not after `now`, the
    ///     key is absent afterwards.
    package func set(_ key: Span<UInt8>, value: Span<UInt8>, expiresAt: MonotonicTime?, now: MonotonicTime) -> StoreOutcome {
        let (shard, tag) = locate(key)
        let byteCount = key.count + value.count
        guard MemoryFootprint.storageBytes(byteCount) + MemoryFootprint.slotBytes <= maximumEntryBytes else {
            shard.reject(key, tag: tag)
            return .tooLarge
        }
        var entry = MemoryEntry()
        entry.tag = tag
        entry.keyCount = UInt32(key.count)
        entry.deadline = expiresAt?.milliseconds ?? MemoryEntry.never
        entry.storage.reserveCapacity(byteCount)
        key.withUnsafeBytes { entry.storage.append(contentsOf: $0) }
        value.withUnsafeBytes { entry.storage.append(contentsOf: $0) }
        shard.set(key, entry: entry, now: now)
        return .stored
    }

    /// Removes a key. False if it was absent or had expired. Expected O(key length).
    package func remove(_ key: Span<UInt8>, now: MonotonicTime) -> Bool {
        let (shard, tag) = locate(key)
        return shard.remove(key, tag: tag, now: now)
    }

    /// Removes entries that have expired; every operation does that too, but only in the shard that it uses.
    ///
    /// - Parameter limit: the greatest number of steps of the timer wheels, one for each entry and one for each move within a wheel. With a result of less
    ///   than that there may still be more to collect.
    /// - Returns: the number of entries removed.
    package func collectExpired(now: MonotonicTime, limit: Int) -> Int {
        // Each call begins at another shard, so that a small limit reaches all of them in turn.
        let first = nextCollected.wrappingAdd(1, ordering: .relaxed).oldValue & (shards.count - 1)
        var collected = 0
        for offset in shards.indices where collected < limit {
            let shard = shards[(first + offset) & (shards.count - 1)]
            collected += shard.collectExpired(now: now, limit: limit - collected)
        }
        return collected
    }

    /// Sums up what the shards have counted, after collecting some of what has expired by `now`. O(shards).
    package func statistics(now: MonotonicTime) -> MemoryStatistics {
        var sum = MemoryStatistics()
        for shard in shards {
            _ = shard.collectExpired(now: now, limit: Self.stepsPerStatistics)
            sum += shard.statistics
        }
        return sum
    }

    private static let stepsPerStatistics = 256

    /// The high bits of the hash choose the shard and the low ones are the tag, so that the two are independent.
    @inline(__always)
    private func locate(_ key: Span<UInt8>) -> (shard: MemoryShard, tag: UInt32) {
        let hash = SipHash.hash(key, seed: seed)
        return (shards[Int(truncatingIfNeeded: hash >> shardShift)], UInt32(truncatingIfNeeded: hash))
    }
}
