import TestSupport
import Testing

@testable import MemoryStore

#if os(Linux)
import CMalloc
#endif

/// What is charged against what is taken. `EvictionSimulation entry-memory` compares the sum with the resident memory of a process.
struct MemoryFootprintTests {
    #if os(Linux)
    @Test func `the charge for key and value is what the allocator takes for them`() {
        for byteCount in Array(0...600) + [1_000, 4_096, 65_536, 127 << 10, 128 << 10, 200_001, 1 << 20] {
            let value = [UInt8](repeating: 1, count: byteCount)
            let key: [UInt8] = []
            let storage = EntryStorage.make(key: key.span, header: RawSpan(), value: value.span.bytes)
            // Each block has a length in front of it.
            let taken = withExtendedLifetime(storage) { malloc_usable_size(Unmanaged.passUnretained(storage).toOpaque()) + 8 }
            let charged = MemoryFootprint.storageBytes(byteCount)
            if byteCount < 100 << 10 {
                // The allocator may hand out a free block that is larger by less than the smallest block.
                #expect((charged...charged + 16).contains(taken), "\(byteCount) bytes")
            } else {
                #expect((charged - 4_096 - 16...charged).contains(taken), "\(byteCount) bytes")
            }
        }
    }
    #endif

    /// Checked after each growth of a structure, when it has the most unused memory.
    @Test func `the charge for a slot covers slab, index and ghost queue`() {
        var random = SplitMix64(seed: 11)
        var slab = EntrySlab()
        var index = HashIndex()
        var ghost = GhostQueue()
        let perShard = 6 << 10
        var exceeded: [Int] = []
        for number in 1...100_000 {
            let slot = slab.insert(MemoryEntry())
            index.insert(tag: UInt32.random(in: 0...UInt32.max, using: &random), slot: slot)
            ghost.makeRoom(forEntries: slab.slotCount)
            let taken = slab.byteCount + index.byteCount + ghost.byteCount
            if taken > number * MemoryFootprint.slotBytes + perShard { exceeded.append(number) }
            // Nor is much more charged than taken.
            if number > 10_000, taken < number * 48 { exceeded.append(-number) }
        }
        #expect(exceeded.isEmpty)
    }
}
