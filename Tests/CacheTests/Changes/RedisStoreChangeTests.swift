import CacheTestSupport
import MemoryStore
import NIOCore
import NIOEmbedded
import RESP
import RedisClient
import Testing

@testable import Cache

/// Changes with conditions through Redis, over a connection that does as the test says.
@Suite struct RedisStoreChangeTests {
    private let loop = EmbeddedEventLoop()
    private let connection: FakeRedisConnection
    private let gate: OutageGate
    private let front: ClusterStore
    private let receiver = RecordingAnswers()
    private let log = RecordedLog()
    private let key = ByteBuffer(string: "k")
    private let value = ByteBuffer(string: "v")
    private let memory = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))

    init() {
        var settings = OutageSettings()
        settings.deadlinesInARow = 3
        self.gate = OutageGate(memory: self.memory, settings: settings, logger: self.log.logger)
        self.connection = FakeRedisConnection(eventLoop: self.loop)
        let slots = SlotTable()
        self.front = ClusterStore(gate: self.gate, slots: slots, on: self.loop)
        self.front.add(RedisStore(connection: self.connection, gate: self.gate, shard: 0, slots: slots))
    }

    private func change(_ change: CacheChange, _ whileAway: ChangeWhileAway = .refused, token: UInt64 = 1) -> String? {
        self.front.change(self.key, change, whileAway: whileAway, now: 0, token: token, receiver: self.receiver)?.text
    }

    private var create: CacheChange { .create(value: self.value, ttl: .milliseconds(5)) }
    private var replace: CacheChange { .replace(expected: self.value, value: ByteBuffer(string: "w"), ttl: .kept) }

    @Test func theCommands() {
        self.gate.openForTest()
        for change in [
            self.create, .create(value: self.value, ttl: .none), .lease(placeholder: self.value, milliseconds: 6), self.replace,
            .replace(expected: self.value, value: self.value, ttl: .milliseconds(7)), .replace(expected: self.value, value: self.value, ttl: .none),
            .remove(expected: self.value), .expire(ttl: .milliseconds(9)), .expire(ttl: .none), .expire(ttl: .kept, prefix: self.value),
            .prolong(milliseconds: 9),
        ] {
            #expect(self.change(change) == nil)
        }
        #expect(
            self.connection.commands == [
                "SET k v PX 5 NX", "SET k v NX", "EVAL 1 k v 6", "EVAL 1 k v w 0", "EVAL 1 k v v 7", "EVAL 1 k v v -1", "EVAL 1 k v", "EVAL 1 k  9",
                "EVAL 1 k  -1", "EVAL 1 k v 0", "EVAL 1 k 9",
            ])
    }

    @Test func redisDecides() {
        self.gate.openForTest()
        for token in 1...3 as ClosedRange<UInt64> { #expect(self.change(self.replace, token: token) == nil) }
        self.connection.reply(.simpleOK)
        self.connection.reply(.integer(0))
        self.connection.reply(.failure(.serverError(ByteBuffer(string: "OOM command not allowed"))))
        #expect(self.receiver.answers == ["1: stored redis", "2: conflict redis", "3: refused outOfMemory redis"])
        #expect(self.gate.report.journalKeys == 0)
    }

    // MARK: Without an answer

    /// Nobody knows what became of it: neither memory nor the journal says anything else, and the late reply of it settles nothing.
    @Test func aDeadlineLeavesNothingBehind() {
        self.gate.openForTest()
        #expect(self.change(self.create, .perInstance(isReplayed: true)) == nil)
        self.connection.missDeadlines()
        #expect(self.receiver.answers == ["1: unavailable outage"])
        #expect(self.gate.isRedisAsked && self.gate.report.journalKeys == 0)
        #expect(self.memory.statistics(now: .now).entries == 0)
        #expect(self.front.set(self.key, value: self.value, ttlSeconds: nil, now: 0, token: 2, receiver: self.receiver) == nil)
        self.connection.missDeadlines()
        #expect(self.gate.report.journalKeys == 1)
        // The reply to the change; that to the value is still to come.
        self.connection.reply(.null)
        #expect(self.gate.next(.woken) == .wait)
    }

    @Test func deadlinesInARowAreAnOutage() {
        self.gate.openForTest()
        for token in 1...3 as ClosedRange<UInt64> { #expect(self.change(self.replace, token: token) == nil) }
        self.connection.missDeadlines()
        #expect(self.receiver.answers == ["1: unavailable outage", "2: unavailable outage", "3: unavailable outage"])
        #expect(!self.gate.isRedisAsked)
    }

    @Test func aConnectionThatEndsLeavesItOpen() {
        self.gate.openForTest()
        #expect(self.change(self.create, .perInstance(isReplayed: true)) == nil)
        self.connection.lose(.connectionClosed)
        #expect(self.receiver.answers == ["1: unavailable outage"])
        #expect(!self.gate.isRedisAsked && self.gate.report.journalKeys == 0)
    }

    @Test(arguments: [RedisFailure.queueFull, .notConnected])
    func aCommandThatIsNotSentIsAnOutage(_ refusal: RedisFailure) {
        self.gate.openForTest()
        self.connection.refusal = refusal
        #expect(self.change(self.create) == "unavailable outage")
        #expect(!self.gate.isRedisAsked)
        self.gate.openForTest()
        #expect(self.change(self.create, .perInstance(isReplayed: true)) == "stored outage", "Redis has certainly not done it")
        #expect(self.gate.report.journalKeys == 1)
    }

    // MARK: While Redis is away

    @Test func aChangeIsUnavailableDuringAnOutage() {
        for change in [self.create, self.replace, .remove(expected: self.value), .expire(ttl: .none)] {
            #expect(self.change(change) == "unavailable outage")
        }
        #expect(self.connection.commands == [] && self.gate.report.journalKeys == 0)
    }

    @Test func memoryDecidesForThisProcess() {
        let local = ChangeWhileAway.perInstance(isReplayed: false)
        #expect(self.change(self.create, local) == "stored outage")
        #expect(self.change(self.create, local) == "conflict outage")
        #expect(self.change(.expire(ttl: .none), local) == "stored outage")
        #expect(self.gate.report.journalKeys == 0, "Redis never hears of it")
        #expect(self.change(self.replace, .perInstance(isReplayed: true)) == "stored outage")
        #expect(self.gate.report.journalKeys == 1)
        #expect(self.change(.remove(expected: self.value), local) == "conflict outage")
        #expect(self.change(.remove(expected: ByteBuffer(string: "w")), local) == "deleted outage")
        #expect(self.gate.report.journalKeys == 1, "what is in the journal stays there, as a deletion now")
    }

    /// A change of a value that the journal holds is a change of what is replayed.
    @Test func whatIsInTheJournalIsReplayedAsItIsNow() throws {
        #expect(self.front.set(self.key, value: self.value, ttlSeconds: nil, now: 0, token: 1, receiver: self.receiver)?.text == "stored outage")
        #expect(self.change(self.replace, .perInstance(isReplayed: false)) == "stored outage")
        #expect(self.gate.memory.value(of: Array("k".utf8))?.value == ByteBuffer(string: "w"))
        #expect(self.gate.report.journalKeys == 1)
    }

    /// Once Redis is asked again, memory still answers for the keys that it has not heard of.
    @Test func aKeyInTheJournalIsNotForRedis() {
        self.gate.openForTest()
        #expect(self.front.set(self.key, value: self.value, ttlSeconds: nil, now: 0, token: 1, receiver: self.receiver) == nil)
        self.connection.missDeadlines()
        #expect(self.gate.isRedisAsked && self.gate.report.journalKeys == 1)
        #expect(self.change(self.replace) == "unavailable outage")
        #expect(self.change(self.replace, .perInstance(isReplayed: false)) == "stored outage")
    }

    // MARK: Commands that are refused

    @Test func scriptsThatAreRefusedAreSaidOnce() {
        self.gate.openForTest()
        let refusal = RedisFailure.serverError(ByteBuffer(string: "NOPERM User x has no permissions to run the 'eval' command"))
        for token in 1...2 as ClosedRange<UInt64> {
            #expect(self.change(self.replace, token: token) == nil)
            self.connection.reply(.failure(refusal))
        }
        #expect(self.receiver.answers == ["1: unavailable redis", "2: unavailable redis"])
        #expect(self.gate.isRedisAsked, "the rest of the service goes on")
        #expect(self.log.lines.count { $0.contains("refuses a command") } == 1)
        #expect(self.gate.refusedCommands.all == ["EVAL"])
        #expect(self.change(self.create) == nil)
        self.connection.reply(.simpleOK)
        #expect(self.gate.refusedCommands.all == ["EVAL"], "a creation needs none")
        #expect(self.change(self.replace) == nil)
        self.connection.reply(.integer(0))
        #expect(self.gate.refusedCommands.all == [])
    }

    // MARK: A cluster

    @Test func aChangeFollowsItsKey() {
        let course = ClusterCourse()
        let change = { course.front.change(self.key, self.replace, whileAway: .refused, now: 0, token: 4, receiver: course.receiver) }
        #expect(change() == nil)
        course.connections[0].reply(course.redirect("ASK", 1))
        #expect(course.connections[1].commands == ["ASKING", "EVAL 1 k v w 0"])
        course.connections[1].reply(.simpleOK)
        course.connections[1].reply(.simpleOK)
        #expect(change() == nil)
        course.connections[0].reply(course.redirect("MOVED", 1))
        #expect(course.connections[1].commands.last == "EVAL 1 k v w 0")
        course.connections[1].reply(.integer(0))
        #expect(course.receiver.answers == ["4: stored redis", "4: conflict redis"])
    }

    /// A redirect says that nothing was done.
    @Test(arguments: [(ChangeWhileAway.refused, "unavailable outage"), (.perInstance(isReplayed: false), "stored outage")])
    func aRedirectThatLeadsNowhereLeavesItToMemory(_ whileAway: ChangeWhileAway, _ answer: String) {
        let course = ClusterCourse(shards: [0])
        #expect(course.front.change(self.key, self.create, whileAway: whileAway, now: 0, token: 1, receiver: course.receiver) == nil)
        course.connections[0].reply(course.redirect("MOVED", 1))
        #expect(course.receiver.answers == ["1: \(answer)"])
        #expect(course.gate.isRedisAsked)
        // From now on the key is that of a shard to which this event loop has no connection.
        let next = course.front.change(self.key, .expire(ttl: .kept), whileAway: whileAway, now: 0, token: 2, receiver: course.receiver)
        #expect(next?.text == answer)
    }
}
