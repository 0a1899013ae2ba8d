import Synchronization

/// An in-memory table of byte strings, bounded by its size in bytes, with expiry to the millisecond and eviction of the least useful entries.
///
/// The table is split by hash into shards, each with its own lock (``MemoryShard``), so that threads rarely wait for each other; every operation
/// holds one lock for a short time and copies no value while it does. Within a shard (``ShardTable``) an index finds the entry (``HashIndex``), a
/// timer wheel finds expired entries (``TimerWheel``), and a policy chooses the entry to evict (``S3FIFOPolicy``).
///
/// The time is a parameter and may come from any monotonic clock. Threads may disagree slightly, and time may even go back: an entry is served
/// exactly while the given time is before its deadline, unless an operation with a later time has already removed it as expired.
package final class MemoryStore: Sendable {
    /// The bounds that apply, after clamping.
    package let configuration: MemoryStoreConfiguration
    /// The maximum size of one entry in bytes as counted by ``MemoryFootprint``: a quarter of a shard, at most 1 GiB.
    package let maximumEntryBytes: Int

    let shards: [MemoryShard]
    private let seed: HashSeed
    private let shardShift: UInt64
    private let nextCollected = Atomic<Int>(0)

    /// - Parameters:
    ///   - configuration: the bounds.
    ///   - seed: the secret of the hash; random unless a test needs a fixed one.
    package init(_ configuration: MemoryStoreConfiguration, seed: HashSeed = .random()) {
        let shardBytes = configuration.shardBytes
        self.configuration = configuration
        self.seed = seed
        maximumEntryBytes = min(shardBytes / MemoryFootprint.maximumEntryShare, 1 << 30)
        shards = (0..<configuration.shardCount).map { _ in MemoryShard(maximumBytes: shardBytes) }
        shardShift = UInt64(UInt64.bitWidth - configuration.shardCount.trailingZeroBitCount)
    }

    /// The hash of a key under the secret of this store. A caller that asks several times for one key passes it on.
    package func hash(_ key: Span<UInt8>) -> MemoryKeyHash {
        MemoryKeyHash(value: SipHash.hash(key, seed: seed))
    }

    /// Returns the value of a key unless it has expired. Expected O(key length).
    package func get(_ key: Span<UInt8>, now: MonotonicTime) -> MemoryHit? {
        get(key, hash: hash(key), now: now)
    }

    /// The same with the hash of the key.
    package func get(_ key: Span<UInt8>, hash: MemoryKeyHash, now: MonotonicTime) -> MemoryHit? {
        shard(of: hash).get(key, tag: hash.tag, now: now)
    }

    /// Stores a copy of the key and value, replacing any older value, and evicts other entries if room is needed. O(key and value length) and O(1)
    /// amortised evictions.
    ///
    /// - Parameters:
    ///   - expiresAt: the first moment at which the value is no longer served; nil if it does not expire. If it is not after `now`, the key is
    ///     absent afterwards.
    package func set(_ key: Span<UInt8>, value: Span<UInt8>, expiresAt: MonotonicTime?, now: MonotonicTime) -> StoreOutcome {
        store(key, hash: hash(key), header: RawSpan(), value: value.bytes, expiresAt: expiresAt, now: now, if: { true }) ?? .stored
    }

    /// Stores a value that consists of two parts, unless the caller changes its mind.
    ///
    /// - Parameters:
    ///   - header: comes before `value`; see ``MemoryHit/removeHeader(_:_:)``.
    ///   - condition: asked while the lock of the shard is held, so it must be short and must not use the store. If it is false, nothing changes.
    /// - Returns: nil if the condition is false.
    package func set(
        _ key: Span<UInt8>, hash: MemoryKeyHash, header: RawSpan, value: RawSpan, expiresAt: MonotonicTime?, now: MonotonicTime,
        if condition: () -> Bool
    ) -> StoreOutcome? {
        store(key, hash: hash, header: header, value: value, expiresAt: expiresAt, now: now, if: condition)
    }

    @inline(__always)
    private func store(
        _ key: Span<UInt8>, hash: MemoryKeyHash, header: RawSpan, value: RawSpan, expiresAt: MonotonicTime?, now: MonotonicTime,
        if condition: () -> Bool
    ) -> StoreOutcome? {
        let shard = shard(of: hash)
        let byteCount = key.count + header.byteCount + value.byteCount
        guard MemoryFootprint.storageBytes(byteCount) + MemoryFootprint.slotBytes <= maximumEntryBytes else {
            shard.reject(key, tag: hash.tag)
            return .tooLarge
        }
        var entry = MemoryEntry()
        entry.tag = hash.tag
        entry.deadline = expiresAt?.milliseconds ?? MemoryEntry.never
        entry.storage = EntryStorage.make(key: key, header: header, value: value)
        return shard.set(key, entry: entry, now: now, if: condition) ? .stored : nil
    }

    /// Removes a key. Returns false if it was absent or had expired. Expected O(key length).
    package func remove(_ key: Span<UInt8>, now: MonotonicTime) -> Bool {
        remove(key, hash: hash(key), now: now)
    }

    /// The same with the hash of the key.
    package func remove(_ key: Span<UInt8>, hash: MemoryKeyHash, now: MonotonicTime) -> Bool {
        shard(of: hash).remove(key, tag: hash.tag, now: now)
    }

    /// Removes expired entries. Every other operation does this too, but only in the shard it uses.
    ///
    /// - Parameter limit: the maximum number of steps of the timer wheels: one for each entry and one for each move within a wheel. There may be more
    ///   to collect even if the result is lower.
    /// - Returns: the number of entries removed.
    package func collectExpired(now: MonotonicTime, limit: Int) -> Int {
        // Each call begins at the next shard, so that calls with a small limit reach all shards in turn.
        let first = nextCollected.wrappingAdd(1, ordering: .relaxed).oldValue & (shards.count - 1)
        var collected = 0
        for offset in shards.indices where collected < limit {
            let shard = shards[(first + offset) & (shards.count - 1)]
            collected += shard.collectExpired(now: now, limit: limit - collected)
        }
        return collected
    }

    /// Sums up the counters of the shards, after removing some of the entries that have expired by `now`. O(shards).
    package func statistics(now: MonotonicTime) -> MemoryStatistics {
        var sum = MemoryStatistics()
        for shard in shards {
            _ = shard.collectExpired(now: now, limit: Self.stepsPerStatistics)
            sum += shard.statistics
        }
        return sum
    }

    private static let stepsPerStatistics = 256

    @inline(__always)
    func shard(of hash: MemoryKeyHash) -> MemoryShard {
        shards[Int(truncatingIfNeeded: hash.value >> shardShift)]
    }
}

/// The hash of a key under the secret of one store. Its high bits choose the shard and its low half is the tag, so the two are independent.
package struct MemoryKeyHash: Hashable, Sendable {
    package let value: UInt64

    /// - Parameter value: 64 bits, all equally likely.
    package init(value: UInt64) {
        self.value = value
    }

    var tag: UInt32 { UInt32(truncatingIfNeeded: value) }
}

/// The result of a `set`.
package enum StoreOutcome: Equatable, Sendable {
    /// The value replaced any older one. (If its deadline had passed already, the key is now absent.)
    case stored
    /// The entry is larger than ``MemoryStore/maximumEntryBytes`` and was not stored. Nothing was evicted for it, but an older value of the key was
    /// removed, because it must no longer be served.
    case tooLarge
}

/// A value that was found: a reference to the entry's immutable bytes, which stay valid and unchanged whatever happens to the entry. Nothing is
/// copied.
package struct MemoryHit: Sendable {
    private let storage: EntryStorage
    private var valueStart: Int
    private let deadline: Int64

    @inline(__always)
    init(_ storage: EntryStorage, deadline: Int64) {
        self.storage = storage
        self.deadline = deadline
        valueStart = storage.keyCount
    }

    /// Length of the value in bytes.
    package var valueCount: Int {
        @inline(__always) get { storage.count - valueStart }
    }

    /// Takes the first bytes off the value, which then begins after them.
    ///
    /// - Parameter count: no more than the value has.
    @inline(__always)
    package mutating func removeHeader<R>(_ count: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        let start = valueStart
        valueStart += count
        precondition(count >= 0 && valueStart <= storage.count)
        return storage.withBytes(start..<valueStart, body)
    }

    /// Whether the value consists of these bytes. O(length).
    package func isEqual(to bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count == valueCount && withValueBytes { $0.startsIdentically(with: bytes) }
    }

    /// Whether the value begins with these bytes. O(length of `prefix`).
    package func hasPrefix(_ prefix: UnsafeRawBufferPointer) -> Bool {
        prefix.count <= valueCount && withValueBytes { $0.startsIdentically(with: prefix) }
    }

    /// Whether the value is that of an entry with these bytes.
    func isHeld(by storage: EntryStorage?) -> Bool { self.storage === storage }

    /// When the value expires; nil if it does not.
    package var expiresAt: MonotonicTime? {
        deadline == MemoryEntry.never ? nil : MonotonicTime(milliseconds: deadline)
    }

    /// The first byte of the value; nil if it has none.
    package var firstByte: UInt8? {
        @inline(__always) get { withValueBytes { $0.first } }
    }

    /// Calls `body` with the bytes of the value. O(1) apart from `body`.
    @inline(__always)
    package func withValueBytes<R, Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> R) throws(Failure) -> R {
        try storage.withBytes(valueStart..<storage.count, body)
    }
}

/// The content of a ``MemoryStore`` and its events since it was created. Each shard is consistent in itself; the shards are read one after the other.
package struct MemoryStatistics: Equatable, Sendable {
    /// Entries, including expired ones that have not been removed yet.
    package var entries = 0
    /// Bytes charged for them (see ``MemoryFootprint``); never more than `maximumBytes`.
    package var bytes = 0
    package var maximumBytes = 0
    package var hits = 0
    /// Reads of keys that were absent or had expired.
    package var misses = 0
    /// Accepted writes.
    package var sets = 0
    /// Entries removed by `remove` and by a walk that removes.
    package var deletes = 0
    /// Entries removed to make room before they had expired.
    package var evictions = 0
    /// Entries removed because they had expired.
    package var expirations = 0
    /// Writes rejected because they were too large.
    package var rejections = 0

    package init() {}

    static func += (sum: inout MemoryStatistics, part: MemoryStatistics) {
        sum.entries += part.entries
        sum.bytes += part.bytes
        sum.maximumBytes += part.maximumBytes
        sum.hits += part.hits
        sum.misses += part.misses
        sum.sets += part.sets
        sum.deletes += part.deletes
        sum.evictions += part.evictions
        sum.expirations += part.expirations
        sum.rejections += part.rejections
    }
}

/// A point in time in milliseconds on a monotonic clock.
///
/// The store never reads a clock: every operation takes the time as a parameter. The caller chooses the origin, and any `Int64` is a valid time.
package struct MonotonicTime: Comparable, Hashable, Sendable {
    /// Milliseconds since the clock's origin.
    package var milliseconds: Int64

    /// - Parameter milliseconds: since the clock's origin; any value.
    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The time `duration` milliseconds later (earlier if negative); the farthest representable time if that would overflow.
    package func advanced(byMilliseconds duration: Int64) -> MonotonicTime {
        let (sum, overflow) = milliseconds.addingReportingOverflow(duration)
        return MonotonicTime(milliseconds: overflow ? (duration < 0 ? .min : .max) : sum)
    }

    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.milliseconds < right.milliseconds
    }
}
