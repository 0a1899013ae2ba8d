import MemoryStore
import Testing

@testable import Cache

@Suite struct CopyHeaderTests {
    private func roundTrip(_ header: CopyHeader) throws -> CopyHeader {
        let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 20))
        let (key, value): ([UInt8], [UInt8]) = ([1], [2, 3])
        let time = MonotonicTime(milliseconds: 0)
        let hash = store.hash(key.span)
        _ = header.withBytes { store.set(key.span, hash: hash, header: $0, value: value.span.bytes, expiresAt: nil, now: time) { true } }
        let found = store.get(key.span, hash: hash, now: time)
        var hit = try #require(found)
        let read = CopyHeader(takenOff: &hit)
        #expect(hit.withValueBytes { Array($0) } == [2, 3])
        return read
    }

    @Test(arguments: [true, false], [UInt32(0), 1, .max]) func itComesBackAsItWas(_ isAbsence: Bool, _ generation: UInt32) throws {
        let coverage = CoherenceFence.Coverage(connection: UInt16(truncatingIfNeeded: generation), generation: generation)
        let header = try self.roundTrip(
            CopyHeader(coverage: coverage, slotEpoch: ~generation, readAt: MonotonicTime(milliseconds: 160), isAbsence: isAbsence))
        #expect(header.coverage == coverage)
        #expect(header.slotEpoch == ~generation)
        #expect(header.isAbsence == isAbsence)
        #expect(header.age(at: MonotonicTime(milliseconds: 1760)) == 1600)
    }

    /// Two event loops read their clocks at different moments; and the count of steps begins anew after two years.
    @Test func anAgeIsNeverNegative() {
        let coverage = CoherenceFence.Coverage(connection: 0, generation: 1)
        let soon = CopyHeader(coverage: coverage, slotEpoch: 0, readAt: MonotonicTime(milliseconds: 1000), isAbsence: false)
        #expect(soon.age(at: MonotonicTime(milliseconds: 980)) == 0)
        let last = CopyHeader(coverage: coverage, slotEpoch: 0, readAt: MonotonicTime(milliseconds: (1 << 36) - 16), isAbsence: false)
        #expect(last.age(at: MonotonicTime(milliseconds: (1 << 36) + 16)) == 32)
    }
}
