import CacheTestSupport
import NIOCore
import NIOEmbedded
import RESP
import RedisClient
import Testing

@testable import Cache

/// Copies of reads while slots move, and the sign of life of the connections that vouch for them.
@Suite struct ClusterCopiesTests {
    private let course = ClusterCourse(keepsCopies: true)
    private var slot: UInt16 { self.course.slot("k") }
    private var connections: [FakeRedisConnection] { self.course.connections }

    /// Two reads: the second is kept.
    private func fill(_ value: String?) {
        for _ in 0..<2 {
            #expect(self.course.get() == nil)
            if self.connections[0].nextCommand == "CLIENT CACHING YES" { self.connections[0].reply(.simpleOK) }
            self.course.answer(0, value)
        }
    }

    // MARK: Copies

    @Test func aCopyEndsWithItsSlot() {
        self.fill("v")
        #expect(self.course.get() == "hit v ttl=none near")
        self.course.slots.raise(self.slot)
        #expect(self.course.get() == nil)
        self.course.gate.failed(.deadlines, shard: 0)
        #expect(self.course.get() == "miss outage", "nor is it what was last known")
    }

    @Test func anAbsenceIsKeptForASecondAtMost() {
        self.fill(nil)
        self.course.loop.advanceTime(by: .milliseconds(990))
        #expect(self.course.get() == "miss near")
        self.course.loop.advanceTime(by: .milliseconds(10))
        #expect(self.course.get() == nil)
    }

    @Test func whatTheNewOwnerBringsIsKept() {
        self.fill("v")
        #expect(self.course.get(acceptsCopy: false) == nil)
        self.connections[0].reply(.simpleOK)
        for _ in 0..<2 { self.connections[0].reply(self.course.redirect("MOVED", 1)) }
        #expect(self.connections[1].commands == ["CLIENT CACHING YES", "GET k", "PTTL k"])
        self.connections[1].reply(.simpleOK)
        self.course.answer(1, "w")
        #expect(self.course.get() == "hit w ttl=none near")
        self.connections[0].lose(.connectionClosed)
        self.connections[0].becomeReady()
        self.course.gate.openForTest()
        #expect(self.course.get() == "hit w ttl=none near", "the connection to the new owner vouches for it")
        self.connections[1].lose(.connectionClosed)
        self.course.gate.openForTest()
        #expect(self.course.get() == nil)
    }

    @Test func whatAMovingSlotBringsIsNotKept() {
        self.fill("v")
        #expect(self.course.get(acceptsCopy: false) == nil)
        self.connections[0].reply(.simpleOK)
        for _ in 0..<2 { self.connections[0].reply(self.course.redirect("ASK", 1)) }
        #expect(self.connections[1].commands == ["ASKING", "GET k", "ASKING", "PTTL k"])
        for reply in [RESPValue.simpleOK, .bulkString(ByteBuffer(string: "w")), .simpleOK, .integer(-1)] { self.connections[1].reply(reply) }
        #expect(self.course.receiver.answers.last == "1: hit w ttl=none redis")
        #expect(self.course.get() == nil)
    }

    @Test func whatTheOldOwnerStillBringsIsNotKept() {
        #expect(self.course.get() == nil)
        self.course.answer(0, nil)
        #expect(self.course.get() == nil)
        self.connections[0].reply(.simpleOK)
        self.course.gate.move(CollectionOfOne(self.slot), to: 1)
        self.course.answer(0, nil)
        #expect(self.course.receiver.answers.last == "1: miss redis")
        #expect(self.course.get() == nil)
        #expect(self.connections[1].commands.suffix(2) == ["GET k", "PTTL k"])
    }

    @Test func readsThatShareAnAnswerAreSentAgainTogether() {
        for token in 1...3 as ClosedRange<UInt64> { #expect(self.course.get(token: token) == nil) }
        for _ in 0..<2 { self.connections[0].reply(self.course.redirect("MOVED", 1)) }
        #expect(self.course.get(token: 4) == nil, "which may be shared again")
        #expect(self.connections[1].commands == ["GET k", "PTTL k"])
        self.course.answer(1, "v")
        #expect(self.course.receiver.answers == (1...4).map { "\($0): hit v ttl=none redis" })
    }

    @Test func aWriteThatIsSentAgainDropsTheCopy() {
        self.fill("v")
        #expect(self.course.set() == nil)
        self.connections[0].reply(self.course.redirect("MOVED", 1))
        #expect(self.course.get(token: 8) == nil)
        self.connections[1].reply(.simpleOK)
        #expect(self.course.receiver.answers.last == "2: stored redis")
        #expect(self.course.front.nearCounters?.snapshot.count(.kept) == 1, "the stores of a loop count together")
    }

    // MARK: Signs of life

    private func probe(_ node: Int = 0) -> String? { self.connections[node].commands.last { $0.hasPrefix("EXISTS") } }

    private func probeSlot(_ node: Int = 0) -> UInt16 {
        self.course.slot(String((self.probe(node) ?? "").dropFirst("EXISTS ".count)))
    }

    private var standing: NearStanding { self.course.near?.report.standing ?? .away }

    @Test func aKeyOfTheShardIsAskedFor() {
        for slot in 0..<UInt16(HashSlot.count) { self.course.gate.move(CollectionOfOne(slot), to: slot % 3 == 1 ? 1 : 0) }
        self.course.loop.advanceTime(by: .seconds(1))
        #expect(self.course.slots.shard(of: self.probeSlot(0)) == 0)
        #expect(self.course.slots.shard(of: self.probeSlot(1)) == 1)
        #expect(self.connections[2].commands == ["PING"], "a node without slots can only be asked whether it is there")
        let first = self.probe()
        self.connections[0].reply(.integer(0))
        self.course.loop.advanceTime(by: .seconds(1))
        #expect(self.probe() == first && self.connections[0].commands.count == 2)
        #expect(self.standing == .tracking)
    }

    @Test func ifTheProbesSlotHasMovedAnotherIsAskedForAtOnce() {
        self.fill("v")
        self.course.loop.advanceTime(by: .seconds(1))
        let first = self.probeSlot()
        self.connections[0].reply(self.course.redirect("MOVED", 1, slot: first))
        #expect(self.course.directory.calls == ["moved \(first) to 1"])
        #expect(self.standing == .silent, "it may serve nothing at all")
        #expect(self.probeSlot() != first)
        self.connections[0].reply(.integer(0))
        #expect(self.standing == .tracking)
        #expect(self.course.get() == "hit v ttl=none near")
    }

    /// An old master that is a replica by now.
    @Test func aNodeThatServesNoSlotVouchesForNothing() {
        self.fill("v")
        self.course.loop.advanceTime(by: .seconds(1))
        for _ in 0..<2 { self.connections[0].reply(self.course.redirect("MOVED", 9, slot: self.probeSlot())) }
        #expect(self.connections[0].nextCommand == nil, "until the next second")
        #expect(self.course.get() == nil)
        #expect(self.course.directory.calls == ["unknown 10.0.0.9", "unknown 10.0.0.9"])
        #expect(self.course.gate.isRedisAsked)
    }

    @Test func aNodeThatSendsItsProbeToItselfIsAway() {
        self.course.loop.advanceTime(by: .seconds(1))
        self.connections[0].reply(self.course.redirect("MOVED", 0, slot: self.probeSlot()))
        #expect(!self.course.gate.isRedisAsked && self.course.redirects(.stale) == 1)
    }

    @Test func aNodeThatRefusesItsProbeIsAway() {
        self.fill("v")
        self.course.loop.advanceTime(by: .seconds(1))
        self.connections[0].reply(.refusal("CLUSTERDOWN The cluster is down"))
        #expect(self.standing == .silent && !self.course.gate.isRedisAsked)
        #expect(self.course.directory.calls == ["down 0"])
        self.course.loop.advanceTime(by: .seconds(1))
        self.connections[0].reply(.integer(0))
        #expect(self.standing == .tracking, "its connection has not ended")
    }

    @Test func aProbeInASlotThatNobodyServesIsRepeatedElsewhere() {
        self.course.loop.advanceTime(by: .seconds(1))
        let first = self.probeSlot()
        self.connections[0].reply(.refusal("CLUSTERDOWN Hash slot not served"))
        #expect(self.course.directory.calls == ["uncovered \(first)"])
        #expect(self.probeSlot() != first && self.course.gate.isRedisAsked)
    }

    @Test(arguments: ["ASK SLOT 10.0.0.1:6379", "NOPERM no"])
    func otherErrorsAreSignsOfLife(_ reply: String) {
        self.course.loop.advanceTime(by: .seconds(1))
        self.connections[0].reply(.refusal(reply.replacing("SLOT", with: "\(self.probeSlot())")))
        #expect(self.standing == .tracking && self.course.gate.isRedisAsked)
    }

    @Test(arguments: ["CLUSTERDOWN The cluster is down", "MOVED SLOT 10.0.0.1:6379"])
    func aNodeThatDoesNotServeItsKeyIsNotConnected(_ reply: String) throws {
        var outcome: Result<Void, any Error>?
        try #require(self.course.front.store(0)).connect().assumeIsolated().whenComplete { outcome = $0 }
        self.connections[0].becomeReady()
        self.connections[0].reply(.refusal(reply.replacing("SLOT", with: "\(self.probeSlot())")))
        #expect(throws: RedisFailure.self) { try outcome?.get() }
        #expect(outcome != nil)
    }
}
