import TestSupport
import Testing

@testable import MemoryStore

struct GhostQueueTests {
    @Test func `a tag is remembered once, and the tag zero too`() {
        var ghost = GhostQueue()
        for tag in [0, 7, .max] as [UInt32] {
            let before = ghost.remove(tag)
            ghost.insert(tag)
            let first = ghost.remove(tag)
            let second = ghost.remove(tag)
            #expect((before, first, second) == (false, true, false))
        }
    }

    @Test func `a full set forgets its oldest tag`() {
        var ghost = GhostQueue()
        for tag in 1...9 as ClosedRange<UInt32> { ghost.insert(tag) }
        let (oldest, middle) = (ghost.remove(1), ghost.remove(5))
        #expect((oldest, middle) == (false, true))
        ghost.insert(10)
        let remembered = ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as [UInt32]).filter { ghost.remove($0) }
        #expect(remembered == [2, 3, 4, 6, 7, 8, 9, 10])
    }

    @Test func `about as many of the last tags are remembered as there are entries`() {
        var random = SplitMix64(seed: 3)
        var ghost = GhostQueue()
        ghost.makeRoom(forEntries: 10)
        ghost.makeRoom(forEntries: 4_000)
        #expect((4_000...5_008).contains(ghost.capacity))
        let tags = (0..<20_000).map { _ in UInt32.random(in: 1...UInt32.max, using: &random) }
        for tag in tags { ghost.insert(tag) }
        let recent = tags.suffix(ghost.capacity / 2).count { ghost.remove($0) }
        let old = tags.prefix(10_000).count { ghost.remove($0) }
        #expect(Double(recent) > 0.9 * Double(ghost.capacity / 2))
        #expect(old < ghost.capacity / 20)
    }
}
