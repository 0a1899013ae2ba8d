import TestSupport
import Testing

@testable import MemoryStore

struct MemoryStoreEvictionTests {
    private func makeStore(_ bytes: Int) -> MemoryStore {
        MemoryStore(MemoryStoreConfiguration(maximumBytes: bytes), seed: HashSeed(low: 3, high: 4))
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `the bound is never exceeded, whatever the sizes, and a stored value can be read`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let store = makeStore(400_000)
        for step in 0..<4_000 {
            let key = "key \(Int.random(in: 0..<3_000, using: &random))"
            let size = Int.random(in: 0...(1 << Int.random(in: 0...16, using: &random)), using: &random)
            let outcome = store.set(key, byteCount: size)
            #expect(outcome == .stored, "seed \(seed), step \(step)")
            #expect(store.get(key, at: 0)?.utf8.count == size, "seed \(seed), step \(step)")
            if step % 3 == 0 { _ = store.remove("key \(Int.random(in: 0..<3_000, using: &random))", at: 0) }
            let statistics = store.statistics()
            #expect(statistics.bytes <= 400_000, "seed \(seed), step \(step)")
        }
        #expect(store.statistics().evictions > 500)
    }

    @Test func `a store too small for one entry refuses it`() {
        let store = makeStore(0)
        #expect(store.set("a", byteCount: 500) == .tooLarge)
        #expect(store.statistics().bytes == 0)
    }

    @Test func `keys that are read survive a scan of keys that are not`() {
        let store = makeStore(1 << 20)
        let hot = (0..<500).map { "hot \($0)" }
        for key in hot { store.set(key, byteCount: 100) }
        for _ in 0..<3 { for key in hot { _ = store.get(key, at: 0) } }
        for number in 0..<20_000 { store.set("scan \(number)", byteCount: 100) }
        // At the first eviction all of the oldest 500 deserve to stay; one goes as the search for a victim is bounded.
        #expect(hot.count { store.get($0, at: 0) != nil } >= hot.count - 1)
        #expect(store.statistics().evictions > 15_000)
    }

    @Test func `keys that were hot make way when they are not read any more`() {
        let store = makeStore(1 << 20)
        let old = (0..<2_000).map { "old \($0)" }
        let new = (0..<2_000).map { "new \($0)" }
        for keys in [old, new] {
            for _ in 0..<40 {
                for key in keys where store.get(key, at: 0) == nil { store.set(key, byteCount: 300) }
            }
        }
        #expect(new.count { store.get($0, at: 0) != nil } > 1_500)
    }

    @Test func `an overwrite of everything keeps everything`() {
        let store = makeStore(1 << 20)
        for round in 0..<5 {
            for number in 0..<3_000 { store.set("key \(number)", byteCount: 100 + round) }
        }
        #expect(store.statistics().entries == 3_000)
        #expect(store.statistics().evictions == 0)
    }

    @Test func `slots are given back when the shard has been empty`() {
        let store = makeStore(1 << 20)
        for number in 0..<5_000 { store.set("key \(number)", byteCount: 1) }
        #expect(store.statistics().bytes > 400_000)
        #expect(store.removeAll(now: MonotonicTime(milliseconds: 0)) { _ in true } == 5_000)
        #expect(store.statistics().bytes == 0)
        store.set("a", "1")
        #expect(store.get("a", at: 0) == "1")
        #expect(store.statistics().bytes == MemoryFootprint.slotBytes + 48)
    }
}
