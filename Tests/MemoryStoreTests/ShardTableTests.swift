import Testing

@testable import MemoryStore

struct ShardTableTests {
    private let now = MonotonicTime(milliseconds: 0)

    private func entry(_ key: [UInt8], tag: UInt32) -> MemoryEntry {
        var entry = MemoryEntry()
        entry.tag = tag
        entry.storage = EntryStorage.make(key: key.span, header: RawSpan(), value: key.span.bytes)
        return entry
    }

    @Test func `keys that all have the same hash are still told apart`() {
        var table = ShardTable(maximumBytes: 1 << 20)
        let keys = (0..<300).map { Array("key \($0)".utf8) }
        for key in keys { table.set(key.span, entry: entry(key, tag: 9), now: now) }
        for key in keys.enumerated().filter({ $0.offset % 3 == 0 }).map(\.element) {
            let removed = table.remove(key.span, tag: 9, now: now)
            #expect(removed)
        }
        for (number, key) in keys.enumerated() {
            let value = table.get(key.span, tag: 9, now: now)?.withValueBytes { Array($0) }
            #expect(value == (number % 3 == 0 ? nil : key))
        }
    }

    @Test func `equal hashes and constant eviction leave a consistent table`() {
        var table = ShardTable(maximumBytes: 20_000)
        for number in 0..<5_000 {
            let key = Array("key \(number % 700)".utf8)
            table.set(key.span, entry: entry(key, tag: UInt32(number % 3)), now: now)
            let value = table.get(key.span, tag: UInt32(number % 3), now: now)?.withValueBytes { Array($0) }
            #expect(value == key)
        }
        let statistics = table.statistics
        let visited = table.visit(slots: 0..<table.slotCount, mode: .remove, now: now) { _ in true }
        #expect(visited == statistics.entries)
        #expect(statistics.bytes <= 20_000)
        #expect(table.statistics.entries == 0)
    }
}
