/// A first-in-first-out queue of slots, linked through the entries of the slab so that any entry can leave it in O(1), with the sum of their bytes.
struct EntryQueue {
    private(set) var bytes = 0
    private(set) var oldest = MemoryEntry.none
    private var newest = MemoryEntry.none

    var isEmpty: Bool { oldest == MemoryEntry.none }

    mutating func append(_ slot: UInt32, in slab: inout EntrySlab) {
        slab.entries[Int(slot)].queuePrevious = newest
        slab.entries[Int(slot)].queueNext = MemoryEntry.none
        if newest == MemoryEntry.none {
            oldest = slot
        } else {
            slab.entries[Int(newest)].queueNext = slot
        }
        newest = slot
        bytes += slab.entries[Int(slot)].storageBytes
    }

    mutating func remove(_ slot: UInt32, in slab: inout EntrySlab) {
        let (previous, next) = (slab.entries[Int(slot)].queuePrevious, slab.entries[Int(slot)].queueNext)
        if previous == MemoryEntry.none {
            oldest = next
        } else {
            slab.entries[Int(previous)].queueNext = next
        }
        if next == MemoryEntry.none {
            newest = previous
        } else {
            slab.entries[Int(next)].queuePrevious = previous
        }
        bytes -= slab.entries[Int(slot)].storageBytes
    }
}
