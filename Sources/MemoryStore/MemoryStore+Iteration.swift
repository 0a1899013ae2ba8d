extension MemoryStore {
    /// Slots visited under one lock: some microseconds with a simple predicate.
    package static let slotsPerStep = 256

    /// Visits the next entries of a walk, and counts or removes those whose key matches. Call it until the cursor is finished; an asynchronous caller can
    /// yield between two calls.
    ///
    /// - Parameters:
    ///   - slots: the most slots to visit, used or not, at least 1; they are of one shard.
    ///   - isMatch: decides by the key; runs under the lock, so it must be short and must not use the store.
    /// - Returns: the number of matches among the entries visited. Zero does not mean that the walk is over. Expired entries never match.
    package func step(
        _ cursor: inout MemoryCursor, now: MonotonicTime, slots: Int = slotsPerStep, where isMatch: (Span<UInt8>) -> Bool
    ) -> Int {
        guard !cursor.isFinished else { return 0 }
        let visited = shards[cursor.shard].visit(from: cursor.slot, limit: max(1, slots), mode: cursor.mode, now: now, where: isMatch)
        if let next = visited.next {
            cursor.slot = next
        } else {
            cursor.slot = 0
            cursor.shard += 1
            cursor.isFinished = cursor.shard == shards.count
        }
        return visited.matches
    }

    /// Removes all entries whose key matches, those that are present during the whole call for certain. The lock of a shard is released after every
    /// ``slotsPerStep`` slots. O(slots).
    ///
    /// - Returns: the number of entries removed.
    package func removeAll(now: MonotonicTime, where isMatch: (Span<UInt8>) -> Bool) -> Int {
        walk(.remove, now: now, where: isMatch)
    }

    /// Counts the entries that ``removeAll(now:where:)`` would remove. O(slots).
    package func count(now: MonotonicTime, where isMatch: (Span<UInt8>) -> Bool) -> Int {
        walk(.count, now: now, where: isMatch)
    }

    private func walk(_ mode: MemoryCursor.Mode, now: MonotonicTime, where isMatch: (Span<UInt8>) -> Bool) -> Int {
        var cursor = MemoryCursor(mode)
        var matches = 0
        while !cursor.isFinished {
            matches += step(&cursor, now: now, where: isMatch)
        }
        return matches
    }
}
