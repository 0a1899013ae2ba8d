import Synchronization

/// One independently locked part of the store. A class of its own, so that each lock has its own allocation and neighbours share no cache line
/// by way of an array.
///
/// What allocates and copies much is done before or after the lock: the bytes of a new entry are made before, a reader holds a reference to
/// the bytes rather than copying them, and large bytes are released after.
final class MemoryShard: Sendable {
    private let table: Mutex<ShardTable>

    init(maximumBytes: Int) {
        table = Mutex(ShardTable(maximumBytes: maximumBytes))
    }

    /// Runs `body` under the lock.
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

    func set(_ key: Span<UInt8>, entry: MemoryEntry, now: MonotonicTime) {
        locked { $0.set(key, entry: entry, now: now) }
    }

    func reject(_ key: Span<UInt8>, tag: UInt32) {
        locked { $0.reject(key, tag: tag) }
    }

    func remove(_ key: Span<UInt8>, tag: UInt32, now: MonotonicTime) -> Bool {
        locked { $0.remove(key, tag: tag, now: now) }
    }

    func collectExpired(now: MonotonicTime, limit: Int) -> Int {
        locked { $0.collectExpired(now: now, limit: limit) }
    }

    /// Visits up to `limit` slots from `slot` on. Returns the number of matches, and the slot to go on with, nil at the end of the shard.
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
