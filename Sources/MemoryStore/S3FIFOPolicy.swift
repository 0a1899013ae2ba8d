/// Decides which entry is evicted: S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023).
///
/// Most keys of a cache are requested once and never again, and are best evicted soon. A new entry therefore enters a *small* queue, which has a
/// tenth of the bytes. At the end of that queue it moves to the *main* queue if it has been read at least twice, and is evicted otherwise; its tag
/// then stays in the *ghost* queue for a while, and a key that returns in that time enters the main queue at once. At the end of the main queue, an
/// entry that has been read since is reinserted and its frequency is decremented.
///
/// A scan thus passes through the small queue without touching the main queue. A hit only increments a number up to 3 in the entry, which has just
/// been read anyway: unlike LRU, it reorders no list while holding the lock. docs/decisions/0001-eviction-policy.md explains the choice.
///
/// Deviations from the paper: sizes are bytes rather than objects; the ghost queue is set-associative (``GhostQueue``); and once one eviction has
/// reinserted ``maximumReprieves`` entries, it takes the next one whatever its frequency, so that no single insertion holds the lock for long.
///
/// Hit: O(1). Eviction: O(1) amortised, because a hit has paid for each reinsertion.
struct S3FIFOPolicy {
    /// Further reads are not counted.
    private static let maximumFrequency: UInt8 = 3
    /// Reads in the small queue after which an entry moves to the main queue.
    private static let promotionFrequency: UInt8 = 2
    /// Entries are evicted from the small queue first while it has more than a tenth of the bytes.
    private static let smallShare = 10
    /// The maximum number of entries that one eviction reinserts.
    private static let maximumReprieves = 256

    private var small = EntryQueue()
    private var main = EntryQueue()
    private var ghost = GhostQueue()

    /// Counts a read.
    @inline(__always)
    func recordAccess(_ slot: UInt32, in slab: inout EntrySlab) {
        let frequency = slab[slot].frequency
        if frequency < Self.maximumFrequency { slab[slot].frequency = frequency + 1 }
    }

    /// Puts a new entry into a queue.
    mutating func insert(_ slot: UInt32, in slab: inout EntrySlab) {
        let returned = ghost.remove(slab[slot].tag)
        append(slot, to: returned ? .main : .small, in: &slab)
    }

    /// Puts an entry with a new value at the end of the queue it was in; a write counts as a read.
    mutating func reinsert(_ slot: UInt32, into queue: MemoryEntry.Queue, in slab: inout EntrySlab) {
        append(slot, to: queue, in: &slab)
        recordAccess(slot, in: &slab)
    }

    /// Removes an entry from its queue and returns which queue that was.
    @discardableResult
    mutating func remove(_ slot: UInt32, in slab: inout EntrySlab) -> MemoryEntry.Queue {
        let queue = slab[slot].queue
        switch queue {
        case .small: small.remove(slot, in: &slab)
        case .main: main.remove(slot, in: &slab)
        case .free, .detached: break
        }
        slab[slot].queue = .detached
        return queue
    }

    /// Removes the entry to evict next from its queue; nil if there is none.
    mutating func nextVictim(in slab: inout EntrySlab) -> UInt32? {
        var reprieves = 0
        while true {
            let prefersSmall = small.bytes * Self.smallShare > small.bytes + main.bytes
            let slot: UInt32
            if !small.isEmpty, prefersSmall || main.isEmpty {
                slot = small.oldest
                small.remove(slot, in: &slab)
                if slab[slot].frequency < Self.promotionFrequency || reprieves >= Self.maximumReprieves {
                    ghost.makeRoom(forEntries: slab.slotCount)
                    ghost.insert(slab[slot].tag)
                    slab[slot].queue = .detached
                    return slot
                }
                slab[slot].frequency = 0
            } else if !main.isEmpty {
                slot = main.oldest
                main.remove(slot, in: &slab)
                if slab[slot].frequency == 0 || reprieves >= Self.maximumReprieves {
                    slab[slot].queue = .detached
                    return slot
                }
                slab[slot].frequency -= 1
            } else {
                return nil
            }
            reprieves += 1
            append(slot, to: .main, in: &slab)
        }
    }

    private mutating func append(_ slot: UInt32, to queue: MemoryEntry.Queue, in slab: inout EntrySlab) {
        slab[slot].queue = queue
        if queue == .main {
            main.append(slot, in: &slab)
        } else {
            small.append(slot, in: &slab)
        }
    }
}

/// A first-in, first-out queue of slots with the sum of their bytes. It is linked through the entries of the slab, so any entry can be removed in
/// O(1).
struct EntryQueue {
    private(set) var bytes = 0
    private(set) var oldest = MemoryEntry.none
    private var newest = MemoryEntry.none

    var isEmpty: Bool { oldest == MemoryEntry.none }

    mutating func append(_ slot: UInt32, in slab: inout EntrySlab) {
        slab[slot].queuePrevious = newest
        slab[slot].queueNext = MemoryEntry.none
        if newest == MemoryEntry.none {
            oldest = slot
        } else {
            slab[newest].queueNext = slot
        }
        newest = slot
        bytes += slab[slot].storageBytes
    }

    mutating func remove(_ slot: UInt32, in slab: inout EntrySlab) {
        let (previous, next) = (slab[slot].queuePrevious, slab[slot].queueNext)
        if previous == MemoryEntry.none {
            oldest = next
        } else {
            slab[previous].queueNext = next
        }
        if next == MemoryEntry.none {
            newest = previous
        } else {
            slab[next].queuePrevious = previous
        }
        bytes -= slab[slot].storageBytes
    }
}

/// Remembers the keys that were evicted last, about as many as the shard has entries.
///
/// A set-associative table: the high bits of a tag choose one set of eight, its low 16 bits are kept there, and each set is a queue, the newest first.
/// With random tags this forgets in nearly the order of one long queue, at 2 bytes per tag and one cache line per query, without links. Two tags may
/// be mistaken for each other, by chance in one of 2^16 / 8 queries: that costs one poor eviction, never a wrong result.
struct GhostQueue {
    private static let setSize = 8
    private static let empty: UInt16 = 0

    private var fingerprints = ContiguousArray<UInt16>(repeating: empty, count: setSize)

    var capacity: Int { fingerprints.count }

    var byteCount: Int { fingerprints.count * MemoryLayout<UInt16>.stride }

    /// Adds a tag, and drops the oldest of its set if the set is full. O(1).
    mutating func insert(_ tag: UInt32) {
        let start = firstOfSet(tag)
        // Later positions hold older tags: fill the gap left by a tag that was removed, or else drop the last.
        var position = (start..<start + Self.setSize - 1).first { fingerprints[$0] == Self.empty } ?? start + Self.setSize - 1
        while position > start {
            fingerprints[position] = fingerprints[position - 1]
            position -= 1
        }
        fingerprints[start] = Self.fingerprint(tag)
    }

    /// Removes a tag and returns whether it was present. O(1).
    mutating func remove(_ tag: UInt32) -> Bool {
        let fingerprint = Self.fingerprint(tag)
        let start = firstOfSet(tag)
        for position in start..<start + Self.setSize where fingerprints[position] == fingerprint {
            fingerprints[position] = Self.empty
            return true
        }
        return false
    }

    /// Grows if the shard has more entries than the table has positions, by a quarter more than that, and forgets everything: a fingerprint does not
    /// say which set of a larger table it belongs to. That is rare, because a shard that is full hardly gets more slots, and costs little, because
    /// the next evictions fill the table again. O(1) amortised.
    mutating func makeRoom(forEntries count: Int) {
        guard count > fingerprints.count else { return }
        let sets = (count + count / 4) / Self.setSize + 1
        fingerprints = []
        fingerprints = ContiguousArray(repeating: Self.empty, count: sets * Self.setSize)
    }

    @inline(__always)
    private func firstOfSet(_ tag: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(tag) &* UInt64(fingerprints.count / Self.setSize)) >> 32) * Self.setSize
    }

    /// Zero marks an empty position, so the fingerprint zero is stored as one.
    @inline(__always)
    private static func fingerprint(_ tag: UInt32) -> UInt16 { max(UInt16(truncatingIfNeeded: tag), 1) }
}
