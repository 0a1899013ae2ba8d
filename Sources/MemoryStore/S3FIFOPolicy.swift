/// Decides which entry is evicted: S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023).
///
/// Idea: most keys of a cache are asked for once and never again, and the best that can be done about them is to be rid of them soon. So a new entry
/// enters a *small* queue with a tenth of the bytes. When it gets to the end of it, it moves to the *main* queue if it has been read at least twice, and
/// is evicted otherwise; its tag then stays in the *ghost* queue for a while, and a key that comes back in that time enters the main queue at once. At the end of
/// the main queue an entry that has been read since starts over, with one less to its credit.
///
/// A scan thus passes through the small queue without touching the main one. A hit does nothing but increment a number up to 3 in the entry, which
/// has just been read anyway: no list is reordered under the lock, as LRU would on every hit. How the choice was made is in
/// docs/decisions/0001-eviction-policy.md.
///
/// Deviations from the paper: sizes are bytes rather than objects; the ghost is set-associative (``GhostQueue``); and after ``maximumReprieves`` entries that
/// may start over, one eviction takes the next whatever its credit, so that no single insertion holds the lock for long.
///
/// Hit: O(1). Eviction: O(1) amortised, as each further turn of an entry has been paid for by a hit.
struct S3FIFOPolicy {
    /// Reads beyond this are not counted.
    private static let maximumFrequency: UInt8 = 3
    /// Reads while in the small queue that earn the main one.
    private static let promotionFrequency: UInt8 = 2
    /// The small queue is drained first while it has more than one part in ten of the bytes.
    private static let smallShare = 10
    /// The greatest number of entries that one eviction lets start over.
    private static let maximumReprieves = 256

    private var small = EntryQueue()
    private var main = EntryQueue()
    private var ghost = GhostQueue()

    /// Counts a read.
    @inline(__always)
    func recordAccess(_ slot: UInt32, in slab: inout EntrySlab) {
        let frequency = slab.entries[Int(slot)].frequency
        if frequency < Self.maximumFrequency { slab.entries[Int(slot)].frequency = frequency + 1 }
    }

    /// Puts a new entry into a queue.
    mutating func insert(_ slot: UInt32, in slab: inout EntrySlab) {
        ghost.makeRoom(forEntries: slab.slotCount)
        let returned = ghost.remove(slab.entries[Int(slot)].tag)
        append(slot, to: returned ? .main : .small, in: &slab)
    }

    /// Puts an entry back with new bytes at the end of the queue it was in; writing counts as reading.
    mutating func reinsert(_ slot: UInt32, into queue: MemoryEntry.Queue, in slab: inout EntrySlab) {
        append(slot, to: queue, in: &slab)
        recordAccess(slot, in: &slab)
    }

    /// Takes an entry out of its queue, which is returned.
    @discardableResult
    mutating func remove(_ slot: UInt32, in slab: inout EntrySlab) -> MemoryEntry.Queue {
        let queue = slab.entries[Int(slot)].queue
        switch queue {
        case .small: small.remove(slot, in: &slab)
        case .main: main.remove(slot, in: &slab)
        case .free, .detached: break
        }
        slab.entries[Int(slot)].queue = .detached
        return queue
    }

    /// Takes the entry out of its queue that is to be evicted next; nil if there is none.
    mutating func nextVictim(in slab: inout EntrySlab) -> UInt32? {
        var reprieves = 0
        while true {
            let prefersSmall = small.bytes * Self.smallShare > small.bytes + main.bytes
            let slot: UInt32
            if !small.isEmpty, prefersSmall || main.isEmpty {
                slot = small.oldest
                small.remove(slot, in: &slab)
                if slab.entries[Int(slot)].frequency < Self.promotionFrequency || reprieves >= Self.maximumReprieves {
                    ghost.insert(slab.entries[Int(slot)].tag)
                    slab.entries[Int(slot)].queue = .detached
                    return slot
                }
                slab.entries[Int(slot)].frequency = 0
            } else if !main.isEmpty {
                slot = main.oldest
                main.remove(slot, in: &slab)
                if slab.entries[Int(slot)].frequency == 0 || reprieves >= Self.maximumReprieves {
                    slab.entries[Int(slot)].queue = .detached
                    return slot
                }
                slab.entries[Int(slot)].frequency -= 1
            } else {
                return nil
            }
            reprieves += 1
            append(slot, to: .main, in: &slab)
        }
    }

    private mutating func append(_ slot: UInt32, to queue: MemoryEntry.Queue, in slab: inout EntrySlab) {
        slab.entries[Int(slot)].queue = queue
        if queue == .main {
            main.append(slot, in: &slab)
        } else {
            small.append(slot, in: &slab)
        }
    }
}
