import CacheTestSupport
import MemoryStore
import NIOCore
import NIOPosix
import Testing

@testable import Cache

/// Changes that read, decide and change: what they do if somebody comes between, and of what needs an envelope.
@Suite struct ConditionalServiceTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let key = ByteBuffer(string: "k")
    private let value = ByteBuffer(string: "v")

    /// A service whose store answers as the test says, in memory without Redis.
    private func withService(_ body: (CacheService, EmbeddedStore) async throws -> Void) async throws {
        let memory = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))
        let embedded = EmbeddedStore(memory)
        let loop = self.loop
        let entry = try await loop.submit { EventLoopStore(embedded, counters: OperationCounters(), on: loop) }.get()
        let service = CacheService(memory: memory, redis: nil, eventLoops: [entry], isRecording: false, logger: RecordedLog().logger)
        try await body(service, embedded)
    }

    private func set(_ service: CacheService, if condition: @escaping @Sendable (CacheAnswer) -> Bool) async -> String {
        let (answer, replaces) = await service.set(self.key, stored: self.value, ttl: .none, on: self.loop, if: condition)
        return "\(answer.text)\(replaces ? ", replaces" : "")"
    }

    @Test func theConditionIsOfWhatAReaderGets() async throws {
        try await self.withService { service, store in
            #expect(await self.set(service) { if case .miss = $0 { false } else { true } } == "conflict memory")
            #expect(await self.set(service) { if case .miss = $0 { true } else { false } } == "stored memory")
            #expect(await self.set(service) { if case .hit = $0 { true } else { false } } == "stored memory, replaces")
            let placeholder = Envelope.placeholder(Lease(token: .random())).wrap(ByteBuffer())
            _ = store.set(self.key, value: placeholder, ttlSeconds: nil)
            #expect(await self.set(service) { if case .miss = $0 { true } else { false } } == "stored memory", "a lease is no value")
            #expect(store.get(self.key).text == "hit v ttl=none memory")
        }
    }

    @Test func whoComesBetweenIsSeen() async throws {
        try await self.withService { service, store in
            let outcome = await self.set(service) { found in
                guard case .miss = found else { return false }
                // Somebody else stores a value after the decision.
                _ = store.set(ByteBuffer(string: "k"), value: ByteBuffer(string: "other"), ttlSeconds: nil)
                return true
            }
            #expect(outcome == "conflict memory")
            #expect(store.get(self.key).text == "hit other ttl=none memory")
            let contended = await self.set(service) { _ in
                let random = UInt64.random(in: .min ... .max)
                _ = store.set(ByteBuffer(string: "k"), value: ByteBuffer(string: "\(random)"), ttlSeconds: nil)
                return true
            }
            #expect(contended == "unavailable memory", "it ends, whoever comes between")
        }
    }

    @Test func deletion() async throws {
        try await self.withService { service, store in
            #expect(await service.delete(self.key, on: self.loop) { _ in true }.text == "miss memory")
            let placeholder = Envelope.placeholder(Lease(token: .random())).wrap(ByteBuffer())
            _ = store.set(self.key, value: placeholder, ttlSeconds: nil)
            #expect(await service.delete(self.key, on: self.loop) { _ in true }.text == "miss memory")
            _ = store.set(self.key, value: self.value, ttlSeconds: nil)
            #expect(await service.delete(self.key, on: self.loop) { _ in false }.text == "conflict memory")
            #expect(await service.delete(self.key, on: self.loop) { _ in true }.text == "deleted memory")
        }
    }

    // MARK: Time to live

    /// Milliseconds; 0 if there is none.
    private func remaining(_ store: EmbeddedStore) -> Int64 {
        guard case .hit(_, let remaining?, _) = store.get(self.key) else { return 0 }
        return remaining
    }

    @Test func aNewTimeToLive() async throws {
        try await self.withService { service, store in
            #expect(await service.expire(self.key, ttlSeconds: 6000, on: self.loop).text == "miss memory")
            _ = store.set(self.key, value: self.value, ttlSeconds: 500)
            #expect(await service.expire(self.key, ttlSeconds: 6000, on: self.loop).text == "stored memory")
            #expect((5_000_000...6_000_000).contains(self.remaining(store)))
            #expect(await service.expire(self.key, ttlSeconds: nil, on: self.loop).text == "stored memory")
            #expect(store.get(self.key).text == "hit v ttl=none memory")
        }
    }

    /// What is stale after its time to live is kept for as long as before.
    @Test func aNewTimeToLiveOfWhatMayBeStale() async throws {
        try await self.withService { service, store in
            var envelope = Envelope()
            envelope.staleSeconds = 1000
            _ = store.set(self.key, value: envelope.wrap(self.value), ttlSeconds: 1500)
            #expect(await service.expire(self.key, ttlSeconds: 6000, on: self.loop).text == "stored memory")
            #expect((6_000_000...7_000_000).contains(self.remaining(store)))
            let placeholder = Envelope.placeholder(Lease(token: .random())).wrap(ByteBuffer())
            _ = store.set(self.key, value: placeholder, ttlSeconds: 500)
            #expect(await service.expire(self.key, ttlSeconds: 6000, on: self.loop).text == "miss memory")
            #expect(self.remaining(store) <= 500_000, "a lease is not prolonged")
        }
    }

    @Test func whatHasTagsEnds() async throws {
        try await self.withService { service, store in
            let tag = VersionedTag(name: ByteBuffer(string: "t"), version: .random())
            var envelope = Envelope()
            envelope.tags = [tag]
            _ = store.set(tag.versionKey, value: tag.version.stored, ttlSeconds: nil)
            _ = store.set(self.key, value: envelope.wrap(self.value), ttlSeconds: 500)
            #expect(await service.expire(self.key, ttlSeconds: nil, on: self.loop).text == "refused timeToLiveRequired memory")
            #expect(await service.expire(self.key, ttlSeconds: 6000, on: self.loop).text == "stored memory")
        }
    }
}
