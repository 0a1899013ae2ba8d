/// The position of a walk over all entries, like the cursor of Redis's `SCAN`.
///
/// A walk visits the shards, and the slots of each, in order, a chunk at a time, and releases the lock in between. Because an entry never moves to
/// another slot, every key that is present during the whole walk is visited exactly once. A key that is added, or removed and added again, during the
/// walk may or may not be visited.
package struct MemoryCursor: Equatable, Sendable {
    /// What happens to the entries that match.
    package enum Mode: Sendable {
        case count
        case remove
    }

    package let mode: Mode
    /// Whether there is nothing left to visit.
    package internal(set) var isFinished = false
    var shard = 0
    var slot = 0

    package init(_ mode: Mode) {
        self.mode = mode
    }
}

extension MemoryStore {
    /// Slots visited while holding the lock once: a few microseconds with a simple predicate.
    package static let slotsPerStep = 256

    /// Visits the next entries of a walk, and counts or removes those whose key matches. Call it until the cursor is finished; an asynchronous caller
    /// can yield between two calls.
    ///
    /// - Parameters:
    ///   - slots: the maximum number of slots to visit, used or not, at least 1; all are in one shard.
    ///   - isMatch: decides by the key; runs while the lock is held, so it must be short and must not use the store.
    /// - Returns: the number of matches among the visited entries. Zero does not mean that the walk is over. Expired entries never match.
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
}
