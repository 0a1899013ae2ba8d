/// Remembers the tags of about as many keys as the shard has entries, namely of those that were evicted last.
///
/// A set-associative table: a tag belongs to one set of eight, and each set is a queue of its own, the newest first. With random tags that
/// forgets nearly in the order of one long queue, at 4 bytes a tag and one cache line a query, without links. Two keys with the same tag are taken for each
/// other, by chance one in 2^32 / 8 queries: that costs one misjudged eviction, never a wrong answer.
struct GhostQueue {
    private static let setSize = 8
    private static let empty: UInt32 = 0

    private var tags = ContiguousArray<UInt32>(repeating: empty, count: setSize)

    var capacity: Int { tags.count }

    /// Adds a tag; the oldest of its set is forgotten if the set is full. O(1).
    mutating func insert(_ tag: UInt32) {
        let stored = Self.stored(tag)
        let start = firstOfSet(stored)
        // Later places hold older tags: the hole left by a tag that returned is closed first, else the last place is given up.
        var position = (start..<start + Self.setSize - 1).first { tags[$0] == Self.empty } ?? start + Self.setSize - 1
        while position > start {
            tags[position] = tags[position - 1]
            position -= 1
        }
        tags[start] = stored
    }

    /// Forgets a tag and tells whether it was there. O(1).
    mutating func remove(_ tag: UInt32) -> Bool {
        let stored = Self.stored(tag)
        let start = firstOfSet(stored)
        for position in start..<start + Self.setSize where tags[position] == stored {
            tags[position] = Self.empty
            return true
        }
        return false
    }

    /// Grows by a half if the shard has more entries than there are places. O(1) amortised.
    mutating func makeRoom(forEntries count: Int) {
        guard count > tags.count else { return }
        let old = tags
        let sets = old.count / Self.setSize
        tags = ContiguousArray(repeating: Self.empty, count: (sets + (sets + 1) / 2) * Self.setSize)
        for tag in old.reversed() where tag != Self.empty {
            insert(tag)
        }
    }

    @inline(__always)
    private func firstOfSet(_ tag: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(tag) &* UInt64(tags.count / Self.setSize)) >> 32) * Self.setSize
    }

    /// Zero marks an empty place, so the tag zero is stored as one.
    @inline(__always)
    private static func stored(_ tag: UInt32) -> UInt32 { max(tag, 1) }
}
