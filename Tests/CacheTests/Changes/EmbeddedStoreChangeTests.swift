import CacheTestSupport
import MemoryStore
import NIOCore
import Testing

@testable import Cache

/// Changes with conditions, in memory.
@Suite struct EmbeddedStoreChangeTests {
    private let store = EmbeddedStore(MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22)))
    private let key = ByteBuffer(string: "k")
    private let old = ByteBuffer(string: "old")
    private let new = ByteBuffer(string: "new")

    private func time(_ milliseconds: Int64) -> MonotonicTime { MonotonicTime(milliseconds: milliseconds) }

    private func change(_ change: CacheChange, at now: Int64 = 0) -> String { self.store.change(self.key, change, now: self.time(now)).text }

    private func get(at now: Int64 = 0) -> String { self.store.get(self.key, now: self.time(now)).text }

    @Test func creation() {
        #expect(self.change(.create(value: self.old, ttl: .milliseconds(10))) == "stored memory")
        #expect(self.change(.create(value: self.new, ttl: .none), at: 9) == "conflict memory")
        #expect(self.get(at: 4) == "hit old ttl=6 memory")
        #expect(self.change(.lease(placeholder: self.new, milliseconds: 5), at: 9) == "conflict memory")
        #expect(self.change(.create(value: self.new, ttl: .kept), at: 10) == "stored memory")
        #expect(self.get(at: 10) == "hit new ttl=none memory")
    }

    @Test func replacement() {
        #expect(self.change(.replace(expected: self.old, value: self.new, ttl: .none)) == "conflict memory")
        _ = self.store.set(self.key, value: self.old, ttlSeconds: 1, now: self.time(0))
        #expect(self.change(.replace(expected: self.new, value: self.old, ttl: .none)) == "conflict memory")
        #expect(self.change(.replace(expected: ByteBuffer(string: "older"), value: self.new, ttl: .none)) == "conflict memory")
        #expect(self.change(.replace(expected: self.old, value: self.new, ttl: .kept)) == "stored memory")
        #expect(self.get() == "hit new ttl=1000 memory")
        #expect(self.change(.replace(expected: self.new, value: ByteBuffer(), ttl: .milliseconds(5))) == "stored memory")
        #expect(self.get() == "hit  ttl=5 memory")
        #expect(self.change(.replace(expected: ByteBuffer(), value: self.old, ttl: .none)) == "stored memory")
        #expect(self.get() == "hit old ttl=none memory")
    }

    @Test func removal() {
        _ = self.store.set(self.key, value: self.old, ttlSeconds: nil, now: self.time(0))
        #expect(self.change(.remove(expected: self.new)) == "conflict memory")
        #expect(self.change(.remove(expected: self.old)) == "deleted memory")
        #expect(self.change(.remove(expected: self.old)) == "conflict memory")
    }

    @Test func prolongation() {
        #expect(self.change(.prolong(milliseconds: 5)) == "miss memory")
        _ = self.store.set(self.key, value: self.old, ttlSeconds: 1, now: self.time(0))
        #expect(self.change(.prolong(milliseconds: 900)) == "stored memory" && self.get() == "hit old ttl=1000 memory")
        #expect(self.change(.prolong(milliseconds: 2000)) == "stored memory" && self.get() == "hit old ttl=2000 memory")
        #expect(self.change(.expire(ttl: .none)) == "stored memory")
        #expect(self.change(.prolong(milliseconds: 5)) == "stored memory" && self.get() == "hit old ttl=none memory")
    }

    @Test func timeToLive() {
        #expect(self.change(.expire(ttl: .milliseconds(5))) == "miss memory")
        #expect(self.change(.expire(ttl: .kept)) == "miss memory")
        _ = self.store.set(self.key, value: self.old, ttlSeconds: 1, now: self.time(0))
        #expect(self.change(.expire(ttl: .kept)) == "stored memory")
        #expect(self.get() == "hit old ttl=1000 memory")
        #expect(self.change(.expire(ttl: .milliseconds(5), prefix: ByteBuffer(string: "ox"))) == "conflict memory")
        #expect(self.change(.expire(ttl: .milliseconds(5), prefix: ByteBuffer(string: "older"))) == "conflict memory")
        #expect(self.change(.expire(ttl: .milliseconds(5), prefix: ByteBuffer(string: "ol"))) == "stored memory")
        #expect(self.get() == "hit old ttl=5 memory")
        #expect(self.change(.expire(ttl: .none)) == "stored memory")
        #expect(self.get() == "hit old ttl=none memory")
    }

    @Test func aValueThatIsTooLargeLeavesTheOldOne() {
        _ = self.store.set(self.key, value: self.old, ttlSeconds: nil, now: self.time(0))
        let large = ByteBuffer(repeating: 1, count: 1 << 22)
        #expect(self.change(.replace(expected: self.old, value: large, ttl: .none)) == "refused valueTooLargeForStore memory")
        #expect(self.get() == "hit old ttl=none memory")
    }
}
