import TestSupport
import Testing

@testable import MemoryStore

struct HashIndexTests {
    @Test func `equal tags are told apart by the match alone, and removing one leaves the others`() {
        var index = HashIndex()
        for slot in 0..<200 as Range<UInt32> { index.insert(tag: 42, slot: slot) }
        for slot in stride(from: 0, to: 200, by: 2) as StrideTo<UInt32> { index.remove(tag: 42, slot: slot) }
        #expect(index.count == 100)
        for slot in 0..<200 as Range<UInt32> {
            #expect(index.find(tag: 42) { $0 == slot } == (slot % 2 == 1 ? slot : nil))
        }
    }

    @Test func `removing an absent pair changes nothing`() {
        var index = HashIndex()
        index.insert(tag: 1, slot: 1)
        index.remove(tag: 1, slot: 2)
        index.remove(tag: .max, slot: 1)
        #expect(index.count == 1)
        #expect(index.find(tag: 1) { _ in true } == 1)
    }

    @Test func `the table grows by an eighth, and 0.7 of it is in use after that`() {
        var index = HashIndex()
        var random = SplitMix64(seed: 1)
        for slot in 0..<10_000 as Range<UInt32> {
            let before = index.capacity
            index.insert(tag: UInt32.random(in: 0...UInt32.max, using: &random), slot: slot)
            #expect(index.capacity == before || index.capacity == before + max(before / 8, 4))
            #expect(index.count * 5 <= index.capacity * 4)
            #expect(index.capacity < 100 || index.count * 10 >= index.capacity * 7)
        }
    }

    /// The greatest tags belong behind the last home, where there is room for a few pairs only.
    @Test func `pairs that find no room behind the last home make the table grow`() {
        var index = HashIndex()
        for slot in 0..<500 as Range<UInt32> { index.insert(tag: .max - slot % 2, slot: slot) }
        for slot in 0..<500 as Range<UInt32> {
            #expect(index.find(tag: .max - slot % 2) { $0 == slot } == slot)
            #expect(index.find(tag: .max - (slot + 1) % 2) { $0 == slot } == nil)
        }
        for slot in 0..<500 as Range<UInt32> { index.remove(tag: .max - slot % 2, slot: slot) }
        #expect(index.count == 0)
        #expect(index.find(tag: .max) { _ in true } == nil)
    }

    /// Tags from a few values at both ends of the range make long runs, also around the end of the table.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `random insertions and removals agree with a dictionary`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var index = HashIndex()
        var tags: [UInt32: UInt32] = [:]
        for step in 0..<20_000 {
            let slot = UInt32.random(in: 0..<300, using: &random)
            if let tag = tags.removeValue(forKey: slot) {
                index.remove(tag: tag, slot: slot)
                #expect(index.find(tag: tag) { $0 == slot } == nil, "seed \(seed), step \(step)")
            } else {
                let low = UInt32.random(in: 0..<4, using: &random)
                let tag = Bool.random(using: &random) ? low << 24 : UInt32.max - low
                tags[slot] = tag
                index.insert(tag: tag, slot: slot)
            }
            #expect(index.count == tags.count)
            if step % 500 == 0 {
                for (slot, tag) in tags {
                    #expect(index.find(tag: tag) { $0 == slot } == slot, "seed \(seed), step \(step)")
                }
            }
        }
    }
}
