import TestSupport
import Testing

@testable import MemoryStore

/// Changes of what a caller has seen.
struct MemoryStoreConditionsTests {
    private let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 8 << 20, shardCount: 4))
    private let now = MonotonicTime(milliseconds: 0)

    private func peek(_ key: String, at now: Int64 = 0) -> MemoryHit? {
        store.peek(Array(key.utf8).span, now: MonotonicTime(milliseconds: now))
    }

    private func set(_ key: String, _ value: String, _ deadline: MemoryDeadline = .never, replacing seen: MemoryHit?, at now: Int64 = 0)
        -> ConditionalOutcome
    {
        store.set(
            Array(key.utf8).span, value: Array(value.utf8).span, deadline: deadline, now: MonotonicTime(milliseconds: now), replacing: seen)
    }

    private func remove(_ key: String, _ seen: MemoryHit) -> Bool { store.remove(Array(key.utf8).span, ifStill: seen, now: now) }

    @Test func `a value is created only where there is none`() {
        #expect(set("k", "a", replacing: nil) == .stored)
        #expect(set("k", "b", replacing: nil) == .changed)
        #expect(store.get("k", at: 0) == "a")
        #expect(store.remove("k", at: 0))
        #expect(set("k", "b", replacing: nil) == .stored)
    }

    @Test func `an expired value is none`() {
        store.set("k", "a", expiresAt: 10)
        #expect(set("k", "b", replacing: nil, at: 9) == .changed)
        #expect(peek("k", at: 10) == nil)
        #expect(set("k", "b", replacing: nil, at: 10) == .stored)
    }

    @Test func `only what was seen is replaced and removed`() throws {
        store.set("k", "a")
        let seen = try #require(peek("k"))
        #expect(seen.withValueBytes { seen.isEqual(to: $0) })
        store.set("k", "a")
        #expect(set("k", "b", replacing: seen) == .changed, "the same bytes of another write are not what was seen")
        #expect(!remove("k", seen))
        let again = try #require(peek("k"))
        #expect(set("k", "b", replacing: again) == .stored)
        let last = try #require(peek("k"))
        #expect(remove("k", last))
        #expect(peek("k") == nil)
        #expect(set("k", "c", replacing: again) == .changed)
    }

    @Test func `a deadline is kept, or another`() throws {
        store.set("k", "a", expiresAt: 10)
        #expect(set("k", "b", .kept, replacing: peek("k")) == .stored)
        #expect(store.get("k", at: 9) == "b" && store.get("k", at: 10) == nil)
        store.set("k", "a", expiresAt: 10)
        let seen = try #require(peek("k"))
        #expect(store.expire("k", at: 20, now: 0))
        #expect(set("k", "b", .kept, replacing: seen) == .stored, "another deadline is not another value")
        #expect(store.get("k", at: 19) == "b" && store.get("k", at: 20) == nil)
        #expect(!store.expire("k", at: nil, now: 20))
        store.set("k", "a", expiresAt: 10)
        #expect(store.expire("k", at: nil, now: 5))
        #expect(store.get("k", at: 1_000_000) == "a")
        #expect(store.expire("k", at: 1_000_000, now: 1_000_000))
        #expect(store.get("k", at: 1_000_000) == nil)
    }

    @Test func `what is too large changes nothing`() {
        store.set("k", "a")
        let large = String(repeating: "x", count: store.maximumEntryBytes)
        #expect(set("k", large, replacing: peek("k")) == .tooLarge)
        #expect(store.get("k", at: 0) == "a")
    }

    @Test func `looking is not counted`() {
        store.set("k", "a")
        _ = peek("k")
        _ = peek("absent")
        #expect(store.statistics().hits == 0 && store.statistics().misses == 0)
    }

    /// Many threads count in one key by comparing and replacing: nothing is lost.
    @Test func `no increment is lost`() async {
        let store = store
        store.set("k", "0")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        while true {
                            guard let seen = store.peek(Array("k".utf8).span, now: MonotonicTime(milliseconds: 0)) else { return }
                            let count = seen.withValueBytes { Int(String(decoding: $0, as: UTF8.self)) ?? 0 }
                            let outcome = store.set(
                                Array("k".utf8).span, value: Array("\(count + 1)".utf8).span, deadline: .kept, now: MonotonicTime(milliseconds: 0),
                                replacing: seen)
                            if outcome == .stored { break }
                        }
                    }
                }
            }
        }
        #expect(store.get("k", at: 0) == "4000")
    }
}
