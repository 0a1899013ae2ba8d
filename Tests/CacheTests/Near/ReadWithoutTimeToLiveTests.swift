import CacheTestSupport
import MemoryStore
import NIOCore
import NIOEmbedded
import RESP
import Testing

@testable import Cache

/// Reads by somebody who has no use for the time to live, at a store that keeps copies.
@Suite struct ReadWithoutTimeToLiveTests {
    private let connection: FakeRedisConnection
    private let store: RedisStore
    private let front: ClusterStore
    private let receiver = RecordingAnswers()

    init() {
        let loop = EmbeddedEventLoop()
        var settings = NearCacheSettings()
        settings.maximumBytes = 1 << 22
        let slots = SlotTable()
        let near = NearCache(settings, eventLoops: 1, slots: slots) { _ in true }
        let memory = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))
        let gate = OutageGate(memory: memory, near: near, settings: OutageSettings(), logger: RecordedLog().logger)
        self.connection = FakeRedisConnection(eventLoop: loop)
        self.connection.isTracking = true
        self.store = RedisStore(connection: self.connection, gate: gate, shard: 0, slots: slots)
        self.front = ClusterStore(gate: gate, slots: slots, on: loop)
        self.front.add(self.store)
        self.connection.becomeReady()
        gate.openForTest()
    }

    private func get(wantsTimeToLive: Bool, token: UInt64) -> String? {
        self.front.get(
            ByteBuffer(string: "k"), acceptsCopy: true, wantsTimeToLive: wantsTimeToLive, now: 0, token: token, receiver: self.receiver)?.text
    }

    private var sharedReads: Int { self.store.nearCounters?.snapshot.count(.shared) ?? -1 }

    /// A copy needs it all the same.
    @Test func theTimeToLiveIsAskedForWhereACopyIsKept() {
        #expect(self.get(wantsTimeToLive: false, token: 1) == nil)
        self.connection.reply(.bulkString(ByteBuffer(string: "v")))
        #expect(self.receiver.answers == ["1: hit v ttl=none redis"])
        #expect(self.get(wantsTimeToLive: false, token: 2) == nil)
        #expect(self.connection.commands == ["GET k", "CLIENT CACHING YES", "GET k", "PTTL k"])
        for reply in [RESPValue.simpleOK, .bulkString(ByteBuffer(string: "v")), .integer(5000)] { self.connection.reply(reply) }
        #expect(self.get(wantsTimeToLive: true, token: 3) == "hit v ttl=5000 near")
    }

    /// It is shared by readers who do not want the time to live either, and by no other.
    @Test func aReadWithoutTimeToLiveIsSharedByItsLike() {
        #expect(self.get(wantsTimeToLive: false, token: 1) == nil)
        #expect(self.get(wantsTimeToLive: false, token: 2) == nil)
        #expect(self.connection.commands == ["GET k"])
        #expect(self.sharedReads == 1)
        #expect(self.get(wantsTimeToLive: true, token: 3) == nil)
        #expect(self.connection.commands.suffix(2) == ["GET k", "PTTL k"], "this one wants it")
        #expect(self.get(wantsTimeToLive: false, token: 4) == nil)
        #expect(self.sharedReads == 2)
        self.connection.reply(.bulkString(ByteBuffer(string: "v")))
        #expect(self.receiver.answers == ["1: hit v ttl=none redis", "2: hit v ttl=none redis"])
    }
}
