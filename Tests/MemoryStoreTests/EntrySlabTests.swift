import TestSupport
import Testing

@testable import MemoryStore

struct EntrySlabTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `random insertions and removals agree with a dictionary, and no entry changes its slot`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var slab = EntrySlab()
        var deadlines: [UInt32: Int64] = [:]
        var most = 0
        for step in 0..<5_000 as Range<Int64> {
            if Int.random(in: 0..<5, using: &random) < 3 || deadlines.isEmpty {
                var entry = MemoryEntry()
                entry.deadline = step
                let slot = slab.insert(entry)
                #expect(deadlines.updateValue(step, forKey: slot) == nil, "seed \(seed), step \(step)")
            } else if let slot = deadlines.keys.randomElement(using: &random) {
                _ = slab.remove(slot)
                deadlines[slot] = nil
            }
            most = max(most, deadlines.count)
            #expect(slab.count == deadlines.count)
            #expect(slab.slotCount == most, "a free slot is used before the slab grows")
        }
        #expect(most > 300, "several chunks are in use")
        for (slot, deadline) in deadlines {
            let found = slab[slot].deadline
            #expect(found == deadline, "seed \(seed)")
        }
    }

    @Test func `what an entry holds is released with it: when it is removed, replaced, or the slab ends`() {
        weak var removed: EntryStorage?
        weak var replaced: EntryStorage?
        weak var kept: EntryStorage?
        do {
            var slab = EntrySlab()
            for number in 0..<300 {
                var entry = MemoryEntry()
                let key = Array("key \(number)".utf8)
                let storage = EntryStorage.make(key: key.span, header: RawSpan(), value: RawSpan())
                switch number {
                case 7: removed = storage
                case 140: replaced = storage
                case 299: kept = storage
                default: break
                }
                entry.storage = storage
                #expect(slab.insert(entry) == UInt32(number))
            }
            #expect(removed != nil)
            _ = slab.remove(7)
            #expect(removed == nil)
            #expect(replaced != nil)
            slab[140] = MemoryEntry()
            #expect(replaced == nil)
            #expect(kept != nil)
        }
        #expect(kept == nil)
    }
}

struct EntryStorageTests {
    private func has(_ storage: EntryStorage, _ key: [UInt8]) -> Bool { storage.hasKey(key.span) }

    @Test func `key and value are kept byte for byte, whatever their lengths`() {
        for keyCount in 0..<20 {
            for headerCount in [0, 1, 8, 13] {
                for valueCount in [0, 1, 7, 8, 9, 300] {
                    let bytes = (0..<keyCount + headerCount + valueCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 5) }
                    let (key, rest) = (Array(bytes[..<keyCount]), Array(bytes[keyCount...]))
                    let storage = EntryStorage.make(
                        key: key.span, header: rest.span.extracting(first: headerCount).bytes, value: rest.span.extracting(headerCount...).bytes)
                    #expect(storage.count == bytes.count)
                    #expect(storage.keyCount == keyCount)
                    #expect(storage.withBytes(0..<storage.count) { Array($0) } == bytes)
                    #expect(storage.withKey { $0.count } == keyCount)
                }
            }
        }
    }

    @Test func `a key differs from every other in one byte or in its length`() {
        let value: [UInt8] = [1, 2, 3]
        for count in 0..<40 {
            let key = (0..<count).map { UInt8($0) }
            let storage = EntryStorage.make(key: key.span, header: RawSpan(), value: value.span.bytes)
            #expect(has(storage, key))
            // The first byte of the value is not one of the key.
            #expect(!has(storage, key + [1]))
            if count > 0 { #expect(!has(storage, key.dropLast())) }
            for position in 0..<count {
                var other = key
                other[position] ^= 0x80
                #expect(!has(storage, other), "length \(count), byte \(position)")
            }
        }
    }
}
