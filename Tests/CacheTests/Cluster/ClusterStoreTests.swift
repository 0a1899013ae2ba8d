import CacheTestSupport
import NIOCore
import NIOEmbedded
import RESP
import RedisClient
import Testing

@testable import Cache

/// Every kind of reply that only a node of a cluster gives, and what follows.
@Suite struct ClusterStoreTests {
    private let course = ClusterCourse()
    private var slot: UInt16 { self.course.slot("k") }
    private var connections: [FakeRedisConnection] { self.course.connections }

    private func ask(_ operation: String) -> String? {
        switch operation {
        case "GET": self.course.get()
        case "SET": self.course.set()
        default: self.course.delete()
        }
    }

    /// The replies of a node that serves the key.
    private func serve(_ operation: String, _ node: Int) {
        switch operation {
        case "GET": self.course.answer(node, "v", milliseconds: 700)
        case "SET": self.connections[node].reply(.simpleOK)
        default: self.connections[node].reply(.integer(1))
        }
    }

    private static let answers = ["GET": "1: hit v ttl=700 redis", "SET": "2: stored redis", "UNLINK": "3: deleted redis"]
    private static let commands = ["GET": ["GET k", "PTTL k"], "SET": ["SET k v"], "UNLINK": ["UNLINK k"]]
    private static let memoryAnswers = ["GET": "1: miss outage", "SET": "2: stored outage", "UNLINK": "3: deleted outage"]

    /// A node refuses all commands of an operation.
    private func refuse(_ operation: String, _ node: Int, _ reply: Result<RESPValue, RedisFailure>) {
        for _ in Self.commands[operation] ?? [] { self.connections[node].reply(reply) }
    }

    // MARK: The table

    @Test func aKeyGoesToTheShardOfItsSlot() {
        self.course.gate.move(CollectionOfOne(self.slot), to: 2)
        #expect(self.course.get("k") == nil)
        #expect(self.course.get("other") == nil)
        #expect(self.connections[2].commands == ["GET k", "PTTL k"])
        #expect(self.connections[0].commands == ["GET other", "PTTL other"])
    }

    @Test(arguments: [1, 2])
    func withoutAConnectionToItsShardMemoryAnswers(_ shard: Int) {
        let course = ClusterCourse(shards: [0])
        course.gate.move(CollectionOfOne(course.slot("k")), to: shard)
        #expect(course.get() == "miss outage")
        #expect(course.set() == "stored outage")
        #expect(course.delete() == "deleted outage")
        #expect(course.gate.isRedisAsked && course.gate.report.journalKeys == 1)
    }

    // MARK: MOVED

    @Test(arguments: ["GET", "SET", "UNLINK"])
    func whatHasMovedIsAskedOfItsNewOwner(_ operation: String) {
        #expect(self.ask(operation) == nil)
        self.refuse(operation, 0, self.course.redirect("MOVED", 1))
        #expect(self.connections[1].commands == Self.commands[operation])
        self.serve(operation, 1)
        #expect(self.course.receiver.answers == [Self.answers[operation]])
        #expect(self.course.directory.calls == ["moved \(self.slot) to 1"])
        #expect(self.ask(operation) == nil)
        #expect(self.connections[1].commands.count == 2 * (Self.commands[operation]?.count ?? 0), "the next one goes there at once")
        #expect(self.course.redirects(.moved) == 1 && self.course.redirects(.givenUp) == 0)
    }

    /// A slot moves while many of its keys are under way.
    @Test func theFirstRedirectOfASlotTells() {
        for token in 1...3 as ClosedRange<UInt64> { #expect(self.course.delete(token: token) == nil) }
        for _ in 0..<3 { self.connections[0].reply(self.course.redirect("MOVED", 1)) }
        for _ in 0..<3 { self.connections[1].reply(.integer(1)) }
        #expect(self.course.receiver.answers == ["1: deleted redis", "2: deleted redis", "3: deleted redis"])
        #expect(self.course.directory.calls.count == 1)
    }

    @Test func aReadWhoseSecondHalfHasMovedIsSentAgainAsAWhole() {
        #expect(self.course.get() == nil)
        self.connections[0].reply(.bulkString(ByteBuffer(string: "old")))
        self.connections[0].reply(self.course.redirect("MOVED", 1))
        #expect(self.connections[1].commands == ["GET k", "PTTL k"])
        self.course.answer(1, "new", milliseconds: 9)
        #expect(self.course.receiver.answers == ["1: hit new ttl=9 redis"])
    }

    @Test func aReadWhoseSecondHalfHasMovedTooLateIsAnsweredWithWhatCame() {
        #expect(self.course.get() == nil)
        self.connections[0].reply(.bulkString(ByteBuffer(string: "v")))
        self.course.loop.advanceTime(by: .milliseconds(16))
        self.connections[0].reply(self.course.redirect("MOVED", 1))
        #expect(self.course.receiver.answers == ["1: hit v ttl=none redis"])
    }

    @Test(arguments: ["GET", "SET", "UNLINK"], [15, 16])
    func nothingIsSentAgainAfterHalfOfItsTime(_ operation: String, _ milliseconds: Int64) {
        #expect(self.ask(operation) == nil)
        self.course.loop.advanceTime(by: .milliseconds(milliseconds))
        self.refuse(operation, 0, self.course.redirect("MOVED", 1))
        guard milliseconds > 15 else { return #expect(self.connections[1].commands == Self.commands[operation]) }
        #expect(self.connections[1].commands == [])
        #expect(self.course.receiver.answers == [Self.memoryAnswers[operation]])
        #expect(self.course.redirects(.givenUp) == 1)
        #expect(self.course.gate.isRedisAsked, "nobody is away")
        #expect(self.course.gate.report.journalKeys == (operation == "GET" ? 0 : 1))
    }

    @Test func anOperationIsSentAgainTwiceAtMost() {
        #expect(self.course.delete() == nil)
        self.connections[0].reply(self.course.redirect("MOVED", 1))
        self.connections[1].reply(self.course.redirect("MOVED", 2))
        self.connections[2].reply(self.course.redirect("MOVED", 0))
        #expect(self.course.receiver.answers == ["3: deleted outage"])
        #expect(self.connections.map(\.commands.count) == [1, 1, 1])
        #expect(self.course.gate.isRedisAsked)
    }

    /// Another machine is behind the address of the connection.
    @Test func aNodeThatSendsToItselfHasAStaleConnection() {
        #expect(self.course.set() == nil)
        self.connections[0].reply(self.course.redirect("MOVED", 0))
        #expect(self.course.receiver.answers == ["2: stored outage"])
        #expect(!self.course.gate.isRedisAsked && self.course.gate.report.journalKeys == 1)
        #expect(self.course.redirects(.stale) == 1 && self.course.directory.calls == [])
    }

    /// A node that does not know its own name.
    @Test func aRedirectWithoutAHostMeansTheHostThatWasAsked() {
        #expect(self.course.set() == nil)
        self.connections[0].reply(.refusal("MOVED \(self.slot) :6379"))
        #expect(self.course.redirects(.stale) == 1)
    }

    @Test func anUnknownNodeIsNotAsked() {
        #expect(self.course.set() == nil)
        self.connections[0].reply(self.course.redirect("MOVED", 9))
        #expect(self.course.receiver.answers == ["2: stored outage"])
        #expect(self.course.directory.calls == ["unknown 10.0.0.9"])
        #expect(self.course.slots.epoch(of: self.slot) == 1 && self.course.gate.isRedisAsked)
    }

    /// The table learns all the same.
    @Test func aNodeWithoutAConnectionIsNotAsked() {
        let course = ClusterCourse(shards: [0])
        #expect(course.delete() == nil)
        course.connections[0].reply(course.redirect("MOVED", 1))
        #expect(course.receiver.answers == ["3: deleted outage"])
        #expect(course.slots.shard(of: course.slot("k")) == 1 && course.gate.isRedisAsked)
    }

    @Test(arguments: [RedisFailure.queueFull, .notConnected])
    func aConnectionThatTakesNothingIsNoOutage(_ refusal: RedisFailure) {
        self.connections[1].refusal = refusal
        #expect(self.course.set() == nil)
        self.connections[0].reply(self.course.redirect("MOVED", 1))
        #expect(self.course.receiver.answers == ["2: stored outage"])
        #expect(self.course.gate.isRedisAsked)
    }

    @Test func nothingIsSentAgainThroughAClosedGate() {
        #expect(self.course.delete() == nil)
        self.course.gate.failed(.deadlines, shard: 1)
        self.connections[0].reply(self.course.redirect("MOVED", 1))
        #expect(self.connections[1].commands == [])
        #expect(self.course.receiver.answers == ["3: deleted outage"])
    }

    @Test func whatIsSentAgainHasTheDeadlineOfItsNewConnection() {
        #expect(self.course.set() == nil)
        self.connections[0].reply(self.course.redirect("MOVED", 1))
        self.connections[1].missDeadlines()
        #expect(self.course.receiver.answers == ["2: stored outage"])
        #expect(self.course.gate.next(.woken, shard: 1) == .wait, "it may still be carried out")
        self.connections[1].reply(self.course.redirect("MOVED", 2))
        #expect(self.course.gate.next(.woken, shard: 1) != .wait, "a late redirect says that it will not be")
        #expect(self.connections[2].commands == [] && self.course.receiver.answers.count == 1)
    }

    /// Redirects that no node gives.
    @Test(arguments: ["MOVED 1 10.0.0.1:6379", "MOVED 16384 10.0.0.1:6379", "ASK no"])
    func aMalformedRedirectIsAFailure(_ reply: String) {
        #expect(self.course.set() == nil)
        self.connections[0].reply(.refusal(reply))
        #expect(self.course.receiver.answers == ["2: stored outage"])
        #expect(!self.course.gate.isRedisAsked && self.course.directory.calls == [])
    }

    // MARK: ASK

    @Test(arguments: ["GET", "SET", "UNLINK"])
    func whatIsMovingIsAskedOfItsNextOwner(_ operation: String) {
        #expect(self.ask(operation) == nil)
        self.refuse(operation, 0, self.course.redirect("ASK", 1))
        #expect(self.connections[1].commands == Self.commands[operation]?.flatMap { ["ASKING", $0] })
        for _ in Self.commands[operation] ?? [] {
            self.connections[1].reply(.simpleOK)
            self.connections[1].reply(self.connections[1].nextCommand == "GET k" ? .null : .integer(-2))
        }
        #expect(self.course.receiver.answers.count == 1)
        #expect(self.course.directory.calls == [] && self.course.slots.shard(of: self.slot) == 0)
        #expect(self.course.slots.epoch(of: self.slot) == 1)
        #expect(self.course.redirects(.ask) == 1)
    }

    @Test func aQuestionForTheTimeToLiveThatIsNotTakenIsNotWaitedFor() {
        self.connections[1].refusal = .queueFull
        self.connections[1].acceptedBeforeRefusal = 2
        #expect(self.course.get() == nil)
        self.connections[0].reply(self.course.redirect("ASK", 1))
        #expect(self.connections[1].commands == ["ASKING", "GET k"])
        self.connections[1].reply(.simpleOK)
        self.connections[1].reply(.bulkString(ByteBuffer(string: "v")))
        #expect(self.course.receiver.answers == ["1: hit v ttl=none redis"])
    }

    // MARK: CLUSTERDOWN

    @Test(arguments: ["GET", "SET", "UNLINK"])
    func aSlotThatNobodyServesIsMemorys(_ operation: String) {
        #expect(self.ask(operation) == nil)
        self.refuse(operation, 0, .refusal("CLUSTERDOWN Hash slot not served"))
        #expect(self.course.receiver.answers == [Self.memoryAnswers[operation]])
        #expect(self.course.directory.calls == ["uncovered \(self.slot)"])
        #expect(self.course.gate.isRedisAsked)
    }

    @Test(arguments: ["The cluster is down", "The cluster is down and only accepts read commands"])
    func aNodeThatServesNothingIsAway(_ text: String) {
        #expect(self.course.set() == nil)
        self.connections[0].reply(.refusal("CLUSTERDOWN \(text)"))
        #expect(self.course.receiver.answers == ["2: stored outage"])
        #expect(self.course.directory.calls == ["down 0"])
        #expect(!self.course.gate.isRedisAsked && self.course.gate.report.reason?.code == "cluster_down")
    }

    @Test(arguments: ["READONLY no", "LOADING no", "MASTERDOWN no", "TRYAGAIN no", "CROSSSLOT no"])
    func otherErrorsAreOutagesAsWithoutACluster(_ reply: String) {
        #expect(self.course.set() == nil)
        self.connections[0].reply(.refusal(reply))
        #expect(!self.course.gate.isRedisAsked && self.course.directory.calls == [])
    }

    // MARK: A single Redis

    /// One that is taken for a single Redis and is none.
    @Test func withoutAClusterARedirectIsAFailure() {
        self.course.slots.isCluster = false
        #expect(self.course.get() == nil)
        self.connections[0].reply(.bulkString(ByteBuffer(string: "v")))
        self.connections[0].reply(self.course.redirect("MOVED", 1))
        #expect(self.course.receiver.answers == ["1: hit v ttl=none redis"], "a failure of PTTL is none of the read")
        #expect(self.course.set() == nil)
        self.connections[0].reply(self.course.redirect("MOVED", 1))
        #expect(self.course.receiver.answers.last == "2: stored outage")
        #expect(!self.course.gate.isRedisAsked && self.course.directory.calls == [])
    }
}
