/// How far a walk over all entries has come, like the cursor of Redis's `SCAN`.
///
/// A walk goes through the shards and through the slots of each in order, a chunk at a time, with the lock released in between. As an entry never
/// moves to another slot, every key that is present during the whole walk is visited exactly once. A key that is added, or removed and
/// added again, while the walk is under way may be visited or not.
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
