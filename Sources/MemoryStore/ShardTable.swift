import Synchronization

/// The state of one shard: its entries, and the structures that find, expire and evict them. A value without a lock or a clock.
///
/// Invariants, between any two calls: each used slot is in the index once and in exactly one queue of the policy; it is in the timer wheel if its
/// entry can expire; and `bytes` is the sum of ``MemoryFootprint`` over entries and slots, at most `maximumBytes`.
struct ShardTable: ~Copyable {
    /// Steps of the timer wheel that each operation performs: more than the wheel's work for one entry with a deadline within ten years (seven levels
    /// and its expiry), so the wheel cannot fall behind however many entries are written.
    private static let stepsPerOperation = 8
    /// Keys and values of at least this size are released after the lock, because the allocator may have to call the kernel.
    private static let largeStorageBytes = 32 << 10

    private let maximumBytes: Int
    private var slab = EntrySlab()
    private var index = HashIndex()
    private var wheel = TimerWheel()
    private var policy = S3FIFOPolicy()
    private var storageBytes = 0
    private var counters = MemoryStatistics()
    private var discarded: [EntryStorage] = []

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    var slotCount: Int { slab.slotCount }

    private var bytes: Int { storageBytes + slab.slotCount * MemoryFootprint.slotBytes }

    var statistics: MemoryStatistics {
        var statistics = counters
        statistics.entries = slab.count
        statistics.bytes = bytes
        statistics.maximumBytes = maximumBytes
        return statistics
    }

    /// Returns the large keys and values of removed entries. Call it last while holding the lock, and release the result after the lock.
    @inline(__always)
    mutating func takeDiscarded() -> [EntryStorage] {
        if discarded.isEmpty { return [] }
        var taken: [EntryStorage] = []
        swap(&taken, &discarded)
        return taken
    }

    @inline(__always)
    mutating func get(_ key: Span<UInt8>, tag: UInt32, now: MonotonicTime) -> MemoryHit? {
        collectSome(now)
        guard let slot = find(key, tag: tag), let storage = slab[slot].storage else {
            counters.misses += 1
            return nil
        }
        let deadline = slab[slot].deadline
        guard deadline > now.milliseconds else {
            expire(slot)
            counters.misses += 1
            return nil
        }
        policy.recordAccess(slot, in: &slab)
        counters.hits += 1
        return MemoryHit(storage, deadline: deadline)
    }

    /// Stores an entry that is small enough for the shard and whose queue and timer links are not set yet.
    mutating func set(_ key: Span<UInt8>, entry: consuming MemoryEntry, now: MonotonicTime) {
        collectSome(now)
        counters.sets += 1
        let existing = find(key, tag: entry.tag)
        if entry.deadline <= now.milliseconds {
            if let existing { discard(existing) }
        } else if let existing {
            replace(existing, with: entry, now: now)
        } else {
            insert(entry, now: now)
        }
    }

    /// Rejects an entry that is too large, and removes the one it would have replaced.
    mutating func reject(_ key: Span<UInt8>, tag: UInt32) {
        counters.rejections += 1
        if let existing = find(key, tag: tag) { discard(existing) }
    }

    mutating func remove(_ key: Span<UInt8>, tag: UInt32, now: MonotonicTime) -> Bool {
        collectSome(now)
        guard let slot = find(key, tag: tag) else { return false }
        guard slab[slot].deadline > now.milliseconds else {
            expire(slot)
            return false
        }
        discard(slot)
        counters.deletes += 1
        return true
    }

    /// Returns the value of a key without counting that as a use.
    mutating func peek(_ key: Span<UInt8>, tag: UInt32, now: MonotonicTime) -> MemoryHit? {
        collectSome(now)
        guard let slot = findLive(key, tag: tag, now: now), let storage = slab[slot].storage else { return nil }
        return MemoryHit(storage, deadline: slab[slot].deadline)
    }

    /// Stores an entry if the value of the key is still the one that was seen; nil for none.
    /// - Parameter keepsDeadline: whether the entry gets the deadline of the one that it replaces.
    /// - Returns: whether it is.
    mutating func set(
        _ key: Span<UInt8>, entry: MemoryEntry, now: MonotonicTime, replacing seen: MemoryHit?, keepsDeadline: Bool
    ) -> Bool {
        collectSome(now)
        let existing = findLive(key, tag: entry.tag, now: now)
        guard isHeld(seen, by: existing) else { return false }
        var entry = entry
        if keepsDeadline, let existing { entry.deadline = slab[existing].deadline }
        set(key, entry: entry, now: now)
        return true
    }

    /// Removes a key if its value is still the one that was seen. Returns whether it is.
    mutating func remove(_ key: Span<UInt8>, tag: UInt32, now: MonotonicTime, _ seen: MemoryHit) -> Bool {
        collectSome(now)
        guard let slot = findLive(key, tag: tag, now: now), isHeld(seen, by: slot) else { return false }
        discard(slot)
        counters.deletes += 1
        return true
    }

    /// Gives a key another deadline if its value is still the one that was seen. Returns whether it is.
    mutating func expire(_ key: Span<UInt8>, tag: UInt32, at deadline: Int64, now: MonotonicTime, _ seen: MemoryHit) -> Bool {
        collectSome(now)
        guard let slot = findLive(key, tag: tag, now: now), isHeld(seen, by: slot) else { return false }
        wheel.unschedule(slot, in: &slab)
        slab[slot].deadline = deadline
        wheel.schedule(slot, now: now, in: &slab)
        return true
    }

    private func isHeld(_ seen: MemoryHit?, by slot: UInt32?) -> Bool {
        guard let seen, let slot else { return seen == nil && slot == nil }
        return seen.isHeld(by: slab[slot].storage)
    }

    private func findLive(_ key: Span<UInt8>, tag: UInt32, now: MonotonicTime) -> UInt32? {
        guard let slot = find(key, tag: tag), slab[slot].deadline > now.milliseconds else { return nil }
        return slot
    }

    /// Visits the entries in `slots`, and removes those whose key matches if the mode is to remove. Returns the number of matches.
    mutating func visit(slots: Range<Int>, mode: MemoryCursor.Mode, now: MonotonicTime, where isMatch: (Span<UInt8>) -> Bool) -> Int {
        var matches = 0
        // Removing the last entry releases the slab, so its count is checked each time.
        for slot in slots where slot < slab.slotCount {
            let slot = UInt32(slot)
            guard let storage = slab[slot].storage, slab[slot].deadline > now.milliseconds, storage.withKey(isMatch) else { continue }
            matches += 1
            if mode == .remove {
                discard(slot)
                counters.deletes += 1
            }
        }
        return matches
    }

    /// Removes expired entries, doing at most `limit` steps. Returns the number of entries removed.
    mutating func collectExpired(now: MonotonicTime, limit: Int) -> Int {
        var steps = limit
        var collected = 0
        while let slot = wheel.nextDue(at: now, steps: &steps, in: &slab) {
            expire(slot)
            collected += 1
        }
        return collected
    }

    @inline(__always)
    private mutating func collectSome(_ now: MonotonicTime) {
        if wheel.mayHaveWork(at: now) {
            _ = collectExpired(now: now, limit: Self.stepsPerOperation)
        }
    }

    @inline(__always)
    private func find(_ key: Span<UInt8>, tag: UInt32) -> UInt32? {
        index.find(tag: tag) { slab[$0].hasKey(key) }
    }

    private mutating func insert(_ entry: consuming MemoryEntry, now: MonotonicTime) {
        let (tag, needed) = (entry.tag, entry.storageBytes)
        makeRoom(for: needed, needsSlot: true, now: now)
        storageBytes += needed
        let slot = slab.insert(entry)
        index.insert(tag: tag, slot: slot)
        policy.insert(slot, in: &slab)
        wheel.schedule(slot, now: now, in: &slab)
    }

    /// Puts a new value and deadline into a slot. The slot stays the same, as ``MemoryCursor`` requires.
    private mutating func replace(_ slot: UInt32, with entry: consuming MemoryEntry, now: MonotonicTime) {
        let queue = policy.remove(slot, in: &slab)
        wheel.unschedule(slot, in: &slab)
        storageBytes -= slab[slot].storageBytes
        let needed = entry.storageBytes
        let deadline = entry.deadline
        var storage = entry.storage
        swap(&slab[slot].storage, &storage)
        releaseLater(storage)
        // The entry is in no queue now, so it cannot be evicted to make room for itself.
        makeRoom(for: needed, needsSlot: false, now: now)
        slab[slot].deadline = deadline
        storageBytes += needed
        policy.reinsert(slot, into: queue, in: &slab)
        wheel.schedule(slot, now: now, in: &slab)
    }

    private mutating func makeRoom(for needed: Int, needsSlot: Bool, now: MonotonicTime) {
        while bytes + needed + (needsSlot && !slab.hasFreeSlot ? MemoryFootprint.slotBytes : 0) > maximumBytes {
            guard let victim = policy.nextVictim(in: &slab) else { return }
            if slab[victim].deadline <= now.milliseconds {
                counters.expirations += 1
            } else {
                counters.evictions += 1
            }
            release(victim)
        }
    }

    private mutating func expire(_ slot: UInt32) {
        discard(slot)
        counters.expirations += 1
    }

    private mutating func discard(_ slot: UInt32) {
        policy.remove(slot, in: &slab)
        release(slot)
    }

    /// Removes an entry that is no longer in a queue from all other structures.
    private mutating func release(_ slot: UInt32) {
        wheel.unschedule(slot, in: &slab)
        index.remove(tag: slab[slot].tag, slot: slot)
        storageBytes -= slab[slot].storageBytes
        releaseLater(slab.remove(slot))
        if slab.count == 0 { giveBackStructures() }
    }

    private mutating func releaseLater(_ storage: consuming EntryStorage?) {
        if let storage, storage.count >= Self.largeStorageBytes { discarded.append(storage) }
    }

    /// An empty shard starts over, so that it is not charged forever for slots it once needed. Small structures are kept.
    private mutating func giveBackStructures() {
        guard slab.slotCount > 1024 else { return }
        slab.removeAllSlots()
        index = HashIndex()
        policy = S3FIFOPolicy()
    }
}

/// One independently locked part of the store. It is a class so that each lock has its own allocation and two locks never share a cache line.
///
/// Large allocations and copies happen before or after the lock is held: the bytes of a new entry are created before, a reader keeps a reference to
/// the bytes instead of copying them, and what is large is released after.
final class MemoryShard: Sendable {
    private let table: Mutex<ShardTable>

    init(maximumBytes: Int) {
        table = Mutex(ShardTable(maximumBytes: maximumBytes))
    }

    /// Runs `body` while holding the lock.
    @inline(__always)
    private func locked<R: Sendable>(_ body: (inout ShardTable) -> R) -> R {
        let (result, discarded) = table.withLock { table in
            let result = body(&table)
            return (result, table.takeDiscarded())
        }
        _ = discarded
        return result
    }

    func get(_ key: Span<UInt8>, tag: UInt32, now: MonotonicTime) -> MemoryHit? {
        locked { $0.get(key, tag: tag, now: now) }
    }

    /// - Returns: false if the condition is, which is asked while the lock is held.
    func set(_ key: Span<UInt8>, entry: MemoryEntry, now: MonotonicTime, if condition: () -> Bool) -> Bool {
        locked { table in
            guard condition() else { return false }
            table.set(key, entry: entry, now: now)
            return true
        }
    }

    func reject(_ key: Span<UInt8>, tag: UInt32) {
        locked { $0.reject(key, tag: tag) }
    }

    func remove(_ key: Span<UInt8>, tag: UInt32, now: MonotonicTime) -> Bool {
        locked { $0.remove(key, tag: tag, now: now) }
    }

    func peek(_ key: Span<UInt8>, tag: UInt32, now: MonotonicTime) -> MemoryHit? {
        locked { $0.peek(key, tag: tag, now: now) }
    }

    func set(_ key: Span<UInt8>, entry: MemoryEntry, now: MonotonicTime, replacing seen: MemoryHit?, keepsDeadline: Bool) -> Bool {
        locked { $0.set(key, entry: entry, now: now, replacing: seen, keepsDeadline: keepsDeadline) }
    }

    func remove(_ key: Span<UInt8>, tag: UInt32, now: MonotonicTime, _ seen: MemoryHit) -> Bool {
        locked { $0.remove(key, tag: tag, now: now, seen) }
    }

    func expire(_ key: Span<UInt8>, tag: UInt32, at deadline: Int64, now: MonotonicTime, _ seen: MemoryHit) -> Bool {
        locked { $0.expire(key, tag: tag, at: deadline, now: now, seen) }
    }

    func collectExpired(now: MonotonicTime, limit: Int) -> Int {
        locked { $0.collectExpired(now: now, limit: limit) }
    }

    /// Visits up to `limit` slots, beginning with `slot`. Returns the number of matches and the next slot to visit, or nil at the end of the shard.
    func visit(
        from slot: Int, limit: Int, mode: MemoryCursor.Mode, now: MonotonicTime, where isMatch: (Span<UInt8>) -> Bool
    ) -> (matches: Int, next: Int?) {
        locked { table in
            let end = min(slot + limit, table.slotCount)
            guard slot < end else { return (0, nil) }
            let matches = table.visit(slots: slot..<end, mode: mode, now: now, where: isMatch)
            return (matches, end < table.slotCount ? end : nil)
        }
    }

    var statistics: MemoryStatistics {
        locked { $0.statistics }
    }
}
