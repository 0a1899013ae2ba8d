/// Finds the slot of a key by its hash: an open-addressing table of (tag, slot) pairs, 8 bytes a bucket.
///
/// Linear probing in which the pairs of the whole table are in the order of their tags (Amble and Knuth, "Ordered hash tables", The Computer Journal
/// 17(2), 1974). A search for an absent tag ends at the first greater one, so that a miss costs no more than a hit even if the table is rather full.
/// The 32-bit tag beside the slot decides nearly every comparison without touching the entry, and is all that is needed to grow the table. There are
/// no tombstones: a removal moves the pairs behind it back, so the cost of a search depends only on the load and not on history.
///
/// The home bucket of a tag is `tag x homes / 2^32` (Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29(1), 2019), which is in the
/// order of the tags, too. Any number of homes works, so the table grows by an eighth instead of doubling, from a load of 4/5 to 0.71, and growing
/// reads and writes both tables from beginning to end. Pairs do not wrap around: some buckets follow the last home, more if they are used up.
///
/// Expected O(1) for random tags: at the highest load 3 probes, whether the key is found or not, and 10 pairs moved by an insertion or a removal. The
/// number of homes is at most 2^32.
struct HashIndex {
    private static let initialHomes = 16
    private static let initialOverflow = 16
    private static let empty = UInt64.max

    private var homes = UInt64(initialHomes)
    /// The number of buckets behind the last home: a few dozen for random tags.
    private var overflow = initialOverflow
    /// In ascending order but for the empty ones. The last one is always empty, which ends every search.
    private var buckets = ContiguousArray(repeating: empty, count: initialHomes + initialOverflow)
    private(set) var count = 0

    /// The number of buckets that tags are spread over.
    var capacity: Int { Int(homes) }

    var byteCount: Int { buckets.count * MemoryLayout<UInt64>.stride }

    /// The first slot with this tag for which `isMatch` is true.
    @inline(__always)
    func find(tag: UInt32, where isMatch: (UInt32) -> Bool) -> UInt32? {
        var position = home(tag)
        var bucket = buckets[position]
        if bucket == Self.empty { return nil }
        let first = Self.bucket(tag: tag, slot: 0)
        while bucket < first {
            position += 1
            bucket = buckets[position]
        }
        while Self.tag(of: bucket) == tag, bucket != Self.empty {
            if isMatch(Self.slot(of: bucket)) { return Self.slot(of: bucket) }
            position += 1
            bucket = buckets[position]
        }
        return nil
    }

    /// Adds a pair, which must not be present. The slot is less than `UInt32.max`.
    mutating func insert(tag: UInt32, slot: UInt32) {
        if (count + 1) * 5 > capacity * 4 {
            homes += max(homes / 8, 4)
            rebuild()
        }
        while !place(Self.bucket(tag: tag, slot: slot)) {
            overflow *= 2
            rebuild()
        }
        count += 1
    }

    /// Removes the pair; does nothing if it is not present.
    mutating func remove(tag: UInt32, slot: UInt32) {
        let bucket = Self.bucket(tag: tag, slot: slot)
        var position = home(tag)
        while buckets[position] < bucket { position += 1 }
        guard buckets[position] == bucket else { return }
        closeGap(position)
        count -= 1
    }

    /// Moves the pairs behind a gap back, up to the first that is at home already.
    private mutating func closeGap(_ start: Int) {
        var gap = start
        while true {
            let next = buckets[gap + 1]
            if next == Self.empty || home(Self.tag(of: next)) == gap + 1 { break }
            buckets[gap] = next
            gap += 1
        }
        buckets[gap] = Self.empty
    }

    /// Puts a pair in its place and moves those behind it by one, up to the next empty bucket. Returns false, with nothing changed, if the only empty
    /// bucket there is the last.
    private mutating func place(_ bucket: UInt64) -> Bool {
        var position = home(Self.tag(of: bucket))
        while buckets[position] < bucket { position += 1 }
        var end = position
        while buckets[end] != Self.empty { end += 1 }
        guard end < buckets.count - 1 else { return false }
        while end > position {
            buckets[end] = buckets[end - 1]
            end -= 1
        }
        buckets[position] = bucket
        return true
    }

    /// Puts the pairs into a table of the present numbers of homes and of buckets behind the last one, which doubles if it is not enough. O(count).
    private mutating func rebuild() {
        let old = buckets
        while !fill(from: old) { overflow *= 2 }
    }

    /// Because the pairs come in their order, each belongs in its home or right behind the one before.
    private mutating func fill(from old: ContiguousArray<UInt64>) -> Bool {
        buckets = ContiguousArray(repeating: Self.empty, count: capacity + overflow)
        var position = 0
        for bucket in old where bucket != Self.empty {
            position = max(position, home(Self.tag(of: bucket)))
            guard position < buckets.count - 1 else { return false }
            buckets[position] = bucket
            position += 1
        }
        return true
    }

    @inline(__always)
    private func home(_ tag: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(tag) &* homes) >> 32)
    }

    @inline(__always)
    private static func bucket(tag: UInt32, slot: UInt32) -> UInt64 { (UInt64(tag) << 32) | UInt64(slot) }

    @inline(__always)
    private static func tag(of bucket: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: bucket >> 32) }

    @inline(__always)
    private static func slot(of bucket: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: bucket) }
}
