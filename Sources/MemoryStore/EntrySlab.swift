/// All entries of a shard in one array, addressed by their index ("slot").
///
/// An entry never moves to another slot, which gives a scan its guarantee (see ``MemoryCursor``) and lets lists and index refer to it by 32 bits.
/// Slots that become free are linked and used again first. The array grows by a quarter: the amortised cost of an insertion stays constant, and at most a
/// fifth of the slab is unused. It shrinks only when `removeAllSlots` is called on an empty slab.
struct EntrySlab {
    private static let initialCapacity = 16

    private(set) var count = 0
    private var firstFree = MemoryEntry.none
    var entries = ContiguousArray<MemoryEntry>()

    /// The number of slots, used and free.
    var slotCount: Int { entries.count }

    var hasFreeSlot: Bool { firstFree != MemoryEntry.none }

    /// Puts an entry into a free slot, growing if there is none. O(1) amortised.
    mutating func insert(_ entry: MemoryEntry) -> UInt32 {
        count += 1
        guard hasFreeSlot else {
            reserveOne()
            entries.append(entry)
            return UInt32(entries.count - 1)
        }
        let slot = firstFree
        firstFree = entries[Int(slot)].queueNext
        entries[Int(slot)] = entry
        return slot
    }

    /// Frees a slot and returns the bytes that were in it, for the caller to release at a convenient time.
    mutating func remove(_ slot: UInt32) -> [UInt8] {
        var freed = MemoryEntry()
        freed.queueNext = firstFree
        firstFree = slot
        count -= 1
        swap(&freed, &entries[Int(slot)])
        return freed.storage
    }

    /// Gives all memory back.
    mutating func removeAllSlots() {
        precondition(count == 0)
        self = EntrySlab()
    }

    private mutating func reserveOne() {
        guard entries.count == entries.capacity else { return }
        entries.reserveCapacity(max(Self.initialCapacity, entries.count + entries.count / 4))
    }
}
