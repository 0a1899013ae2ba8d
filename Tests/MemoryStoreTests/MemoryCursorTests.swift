import Testing

@testable import MemoryStore

struct MemoryCursorTests {
    private let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 32 << 20, shardCount: 4), seed: HashSeed(low: 5, high: 6))
    private let now = MonotonicTime(milliseconds: 0)

    @Test func `a walk visits each key once, in steps of bounded size`() {
        for number in 0..<5_000 { store.set("key \(number)", "1") }
        var cursor = MemoryCursor(.count)
        var seen: [String: Int] = [:]
        var steps = 0
        while !cursor.isFinished {
            var visited = 0
            _ = store.step(&cursor, now: now, slots: 100) {
                seen[$0.string, default: 0] += 1
                visited += 1
                return false
            }
            #expect(visited <= 100)
            steps += 1
        }
        #expect(seen.count == 5_000)
        #expect(seen.values.allSatisfy { $0 == 1 })
        #expect(steps >= 50)
        #expect(store.step(&cursor, now: now) { _ in true } == 0)
    }

    @Test func `keys present during the whole walk are removed, although others come and go and values change`() {
        for number in 0..<3_000 { store.set("kept \(number)", "1") }
        for number in 0..<3_000 { store.set("gone \(number)", "1") }
        var cursor = MemoryCursor(.remove)
        var removed = 0
        var step = 0
        while !cursor.isFinished {
            removed += store.step(&cursor, now: now, slots: 64) { $0.string.hasPrefix("kept") }
            for number in 0..<20 {
                _ = store.remove("gone \((step * 20 + number) % 3_000)", at: 0)
                store.set("added \(step * 20 + number)", "1")
                // A key that is still there gets a new value, which must not move it behind the cursor.
                let key = "kept \((step * 7 + number * 131) % 3_000)"
                if store.get(key, at: 0) != nil { store.set(key, "a value of another length") }
            }
            step += 1
        }
        #expect(removed == 3_000)
        #expect(store.count(now: now) { $0.string.hasPrefix("kept") } == 0)
        #expect(store.count(now: now) { $0.string.hasPrefix("added") } == step * 20)
    }

    @Test func `counting changes nothing, and expired entries do not count`() {
        store.set("a1", "1", expiresAt: 100)
        store.set("a2", "1")
        store.set("b1", "1")
        #expect(store.count(now: now) { $0[0] == UInt8(ascii: "a") } == 2)
        let later = MonotonicTime(milliseconds: 100)
        #expect(store.count(now: later) { $0[0] == UInt8(ascii: "a") } == 1)
        #expect(store.removeAll(now: later) { $0[0] == UInt8(ascii: "a") } == 1)
        #expect(store.get("b1", at: 100) == "1")
        #expect(store.statistics(at: 100).deletes == 1)
    }
}
