import CacheTestSupport
import MemoryStore
import NIOCore
import NIOEmbedded
import RESP
import RedisClient
import Testing

@testable import Cache

/// Redis as the store of one event loop, over a connection that does as the test says.
@Suite struct RedisStoreTests {
    private let loop = EmbeddedEventLoop()
    private let connection: FakeRedisConnection
    private let gate: OutageGate
    private let store: RedisStore
    /// What operations ask.
    private let front: ClusterStore
    private let receiver = RecordingAnswers()
    private let key = ByteBuffer(string: "k")
    private let value = ByteBuffer(string: "v")

    init() {
        var settings = OutageSettings()
        settings.deadlinesInARow = 2
        let memory = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))
        self.gate = OutageGate(memory: memory, settings: settings, logger: RecordedLog().logger)
        self.connection = FakeRedisConnection(eventLoop: self.loop)
        let slots = SlotTable()
        self.store = RedisStore(connection: self.connection, gate: self.gate, shard: 0, slots: slots)
        self.front = ClusterStore(gate: self.gate, slots: slots, on: self.loop)
        self.front.add(self.store)
    }

    private func get(token: UInt64 = 1) -> String? {
        self.front.get(self.key, acceptsCopy: true, now: 0, token: token, receiver: self.receiver)?.text
    }

    private func set(token: UInt64 = 1, ttlSeconds: Int64? = nil) -> String? {
        self.front.set(self.key, value: self.value, ttlSeconds: ttlSeconds, now: 0, token: token, receiver: self.receiver)?.text
    }

    private func delete(token: UInt64 = 1) -> String? { self.front.delete(self.key, now: 0, token: token, receiver: self.receiver)?.text }

    private func outcome(of future: EventLoopFuture<Void>) -> () -> Result<Void, any Error>? {
        var outcome: Result<Void, any Error>?
        future.assumeIsolated().whenComplete { outcome = $0 }
        return { outcome }
    }

    private func failure(_ outcome: Result<Void, any Error>?) -> RedisFailure? {
        guard case .failure(let error) = outcome else { return nil }
        return error as? RedisFailure
    }

    // MARK: Answers

    @Test func redisAnswersLater() {
        self.gate.openForTest()
        #expect(self.get(token: 7) == nil)
        #expect(self.set(token: 8, ttlSeconds: 2) == nil)
        #expect(self.delete(token: 9) == nil)
        #expect(self.connection.commands == ["GET k", "PTTL k", "SET k v PX 2000", "UNLINK k"])
        #expect(self.receiver.answers == [])
        self.connection.reply(.bulkString(self.value))
        self.connection.reply(.integer(1500))
        self.connection.reply(.simpleOK)
        self.connection.reply(.integer(1))
        #expect(self.receiver.answers == ["7: hit v ttl=1500 redis", "8: stored redis", "9: deleted redis"])
    }

    @Test func aTimeToLiveThatNobodyWantsIsNotAskedFor() {
        self.gate.openForTest()
        for token in 1...2 as ClosedRange<UInt64> {
            let answer = self.front.get(self.key, acceptsCopy: true, wantsTimeToLive: token == 2, now: 0, token: token, receiver: self.receiver)
            #expect(answer == nil)
        }
        #expect(self.connection.commands == ["GET k", "GET k", "PTTL k"])
        self.connection.reply(.bulkString(self.value))
        #expect(self.receiver.answers == ["1: hit v ttl=none redis"])
        self.connection.reply(.bulkString(self.value))
        self.connection.reply(.integer(1500))
        #expect(self.receiver.answers == ["1: hit v ttl=none redis", "2: hit v ttl=1500 redis"])
    }

    @Test func memoryAnswersAtOnceDuringAnOutage() {
        #expect(self.set() == "stored outage")
        #expect(self.get() == "hit v ttl=none outage")
        #expect(self.delete() == "deleted outage")
        #expect(self.connection.commands == [])
        #expect(self.receiver.answers == [])
    }

    /// A refused command is answered by the call itself, from memory, and never again.
    @Test(arguments: [RedisFailure.queueFull, .notConnected])
    func aRefusedCommandIsAnsweredAtOnce(_ refusal: RedisFailure) {
        self.gate.openForTest()
        self.connection.refusal = refusal
        #expect(self.set() == "stored outage")
        #expect(!self.gate.isRedisAsked, "a connection that takes no command is an outage")
        #expect(self.get() == "hit v ttl=none outage")
        #expect(self.receiver.answers == [])
        #expect(self.gate.report.journalKeys == 1)
        #expect(self.gate.report.reason == (refusal == .queueFull ? .overloaded : .failure(refusal)))
    }

    @Test func refusedReadsAndDeletionsAreAnsweredAtOnce() {
        self.gate.openForTest()
        self.connection.refusal = .queueFull
        #expect(self.get() == "miss outage")
        self.gate.openForTest()
        #expect(self.delete() == "deleted outage", "memory cannot know, and it will be gone")
        #expect(self.receiver.answers == [])
    }

    /// The slot of a refused operation is used again, and the next operation gets its own replies.
    @Test func anOperationAfterARefusedOneIsAnswered() {
        self.gate.openForTest()
        self.connection.refusal = .queueFull
        #expect(self.get(token: 1) == "miss outage")
        self.connection.refusal = nil
        self.gate.openForTest()
        #expect(self.get(token: 2) == nil)
        self.connection.reply(.null)
        self.connection.reply(.integer(-2))
        #expect(self.receiver.answers == ["2: miss redis"])
    }

    @Test func aReadWithoutRoomForItsTimeToLiveIsAnsweredWithout() {
        self.gate.openForTest()
        self.connection.refusal = .queueFull
        self.connection.acceptedBeforeRefusal = 1
        #expect(self.get() == nil)
        #expect(self.connection.commands == ["GET k"])
        self.connection.reply(.bulkString(self.value))
        #expect(self.receiver.answers == ["1: hit v ttl=none redis"])
    }

    // MARK: Deadlines

    @Test func oneDeadlineIsNoOutage() {
        self.gate.openForTest()
        #expect(self.set(token: 1) == nil)
        self.connection.missDeadlines()
        #expect(self.receiver.answers == ["1: stored outage"])
        #expect(self.gate.isRedisAsked)
        #expect(self.get(token: 2) == "hit v ttl=none outage", "memory answers for the key until its write has been carried out")
    }

    /// Redis may still carry the write out, and whatever is sent now over another connection could come before it.
    @Test func aKeyIsSettledOnlyAfterItsLateReply() {
        self.gate.openForTest()
        #expect(self.set() == nil)
        self.connection.missDeadlines()
        #expect(self.gate.next(.woken) == .wait)
        self.connection.reply(.simpleOK)
        guard case .deleteKeys(let entries) = self.gate.next(.woken) else {
            Issue.record("the key is not settled")
            return
        }
        #expect(entries.map(\.key) == [Array("k".utf8)])
    }

    @Test func deadlinesInARowAreAnOutage() {
        self.gate.openForTest()
        #expect(self.get(token: 1) == nil)
        self.connection.missDeadlines()
        #expect(self.gate.isRedisAsked)
        #expect(self.get(token: 2) == nil)
        self.connection.missDeadlines()
        #expect(!self.gate.isRedisAsked)
        #expect(self.receiver.answers == ["1: miss outage", "2: miss outage"])
        #expect(self.gate.report.reason == .deadlines)
    }

    @Test func anAnswerEndsARowOfDeadlines() {
        self.gate.openForTest()
        for token in 1...3 as ClosedRange<UInt64> {
            #expect(self.get(token: token) == nil)
            self.connection.missDeadlines()
            #expect(self.delete(token: 10 + token) == nil)
            self.connection.reply(.null)
            self.connection.reply(.null)
            self.connection.reply(.integer(0))
        }
        #expect(self.gate.isRedisAsked)
    }

    /// Replies to commands that were given up are no replies to the operations that came after them.
    @Test func lateRepliesAnswerNobody() {
        self.gate.openForTest()
        #expect(self.get(token: 1) == nil)
        self.connection.missDeadlines()
        #expect(self.get(token: 2) == nil)
        self.connection.reply(.bulkString(ByteBuffer(string: "old")))
        self.connection.reply(.integer(-1))
        self.connection.reply(.bulkString(self.value))
        self.connection.reply(.integer(-1))
        #expect(self.receiver.answers == ["1: miss outage", "2: hit v ttl=none redis"])
    }

    /// Deadlines over one connection say nothing of the next.
    @Test func aRowOfDeadlinesEndsWithItsConnection() {
        self.gate.openForTest()
        #expect(self.get(token: 1) == nil)
        self.connection.missDeadlines()
        let outcome = self.outcome(of: self.store.connect())
        self.connection.lose(.connectionClosed)
        #expect(self.failure(outcome()) == .connectionClosed)
        self.gate.openForTest()
        #expect(self.get(token: 2) == nil)
        self.connection.missDeadlines()
        #expect(self.gate.isRedisAsked)
    }

    // MARK: The connection

    /// No late reply comes over a connection that has ended: what waits for one has its slot back.
    @Test func theEndOfTheConnectionFreesTheSlotsOfLateReplies() {
        self.gate.openForTest()
        #expect(self.set() == nil)
        self.connection.missDeadlines()
        self.connection.lose(.connectionClosed)
        self.gate.openForTest()
        #expect(self.set() == nil)
        #expect(self.connection.tokens == [0, 0])
    }

    @Test func disconnectingEndsTheWaitForTheConnection() {
        let outcome = self.outcome(of: self.store.connect())
        #expect(self.store.disconnect() == [])
        #expect(self.failure(outcome()) == .connectionClosed)
    }

    @Test func anotherAttemptEndsTheWaitOfTheFirst() {
        let first = self.outcome(of: self.store.connect())
        let second = self.outcome(of: self.store.connect())
        #expect(self.failure(first()) == .cancelled)
        #expect(second() == nil)
        self.connection.lose(.connectionClosed)
        #expect(self.failure(second()) == .connectionClosed)
    }

    @Test func aLostConnectionIsAnOutage() {
        self.gate.openForTest()
        #expect(self.set(token: 1) == nil)
        self.connection.lose(.connectionClosed)
        #expect(self.receiver.answers == ["1: stored outage"])
        #expect(!self.gate.isRedisAsked)
        #expect(self.gate.report.journalKeys == 1)
    }

    @Test func disconnectingAnswersFromMemoryAndNamesTheEndedConnections() {
        self.gate.openForTest()
        self.connection.lose(.connectionClosed, identifier: 5)
        self.gate.openForTest()
        #expect(self.get(token: 1) == nil)
        #expect(self.store.disconnect() == [5])
        #expect(self.receiver.answers == ["1: miss outage"])
    }

    @Test func aConnectionIsThereOnceItHasAnsweredAPing() {
        let outcome = self.outcome(of: self.store.connect())
        #expect(self.connection.attempts == 1)
        self.connection.becomeReady()
        #expect(self.connection.commands == ["PING"])
        #expect(outcome() == nil)
        self.connection.reply(.failure(.serverError(ByteBuffer(string: "NOPERM no PING"))))
        #expect(throws: Never.self) { try outcome()?.get() }
        #expect(outcome() != nil, "an error as a reply is a sign of life, too")
    }

    @Test(arguments: [RedisFailure.queueFull, .notConnected])
    func aRefusedPingIsNoSignOfLife(_ refusal: RedisFailure) {
        self.connection.refusal = refusal
        let outcome = self.outcome(of: self.store.signOfLife())
        #expect(self.failure(outcome()) == refusal)
    }

    @Test func aFailedAttemptEndsTheWaitForTheConnection() {
        let outcome = self.outcome(of: self.store.connect())
        self.connection.lose(RedisFailure(.connectFailed))
        #expect(self.failure(outcome())?.code == .connectFailed)
    }

    /// A stop may come at any time: the recovery waits for the connection, and the program for the recovery.
    @Test func closingEndsTheWaitForTheConnection() {
        let outcome = self.outcome(of: self.store.connect())
        #expect(outcome() == nil)
        _ = self.store.close()
        #expect(self.failure(outcome()) == .cancelled)
    }

    @Test func aClosedStoreIsNotConnectedAgain() {
        _ = self.store.close()
        let outcome = self.outcome(of: self.store.connect())
        #expect(self.failure(outcome()) == .notConnected)
        #expect(self.connection.attempts == 0)
    }

    // MARK: Recent writes

    @Test func acknowledgedWritesAreRemembered() {
        self.gate.openForTest()
        _ = self.set()
        _ = self.get()
        self.connection.reply(.simpleOK)
        self.connection.reply(.null)
        self.connection.reply(.null)
        #expect(self.store.takeRecentWrites() == [Array("k".utf8)])
        #expect(self.store.takeRecentWrites() == [])
    }
}
