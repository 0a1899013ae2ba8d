import CacheTestSupport
import Histograms
import MemoryStore
import NIOCore
import NIOEmbedded
import RESP
import RedisClient
import Testing

@testable import Cache

/// A Redis store that keeps copies, over a connection that does as the test says.
@Suite struct NearStoreTests {
    private let loop = EmbeddedEventLoop()
    private let connection: FakeRedisConnection
    private let near: NearCache
    private let gate: OutageGate
    private let store: RedisStore
    /// What operations ask.
    private let front: ClusterStore
    private let receiver = RecordingAnswers()
    private let key = ByteBuffer(string: "k")

    init() {
        self.init { _ in
        } outage: { _ in
        }
    }

    private init(_ change: (inout NearCacheSettings) -> Void, outage: (inout OutageSettings) -> Void = { _ in }, isTracking: Bool = true) {
        var settings = NearCacheSettings()
        settings.maximumBytes = 1 << 22
        change(&settings)
        var outageSettings = OutageSettings()
        outage(&outageSettings)
        let slots = SlotTable()
        self.near = NearCache(settings, eventLoops: 1, slots: slots) { $0 != ByteBuffer(string: "odd") }
        let memory = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))
        self.gate = OutageGate(memory: memory, near: self.near, settings: outageSettings, logger: RecordedLog().logger)
        self.connection = FakeRedisConnection(eventLoop: self.loop)
        self.connection.isTracking = isTracking
        self.store = RedisStore(connection: self.connection, gate: self.gate, shard: 0, slots: slots)
        self.front = ClusterStore(gate: self.gate, slots: slots, on: self.loop)
        self.front.add(self.store)
        self.connection.becomeReady()
        self.gate.openForTest()
    }

    private func get(_ key: String = "k", acceptsCopy: Bool = true, now: Int = 0, token: UInt64 = 1) -> String? {
        self.front.get(ByteBuffer(string: key), acceptsCopy: acceptsCopy, now: now, token: token, receiver: self.receiver)?.text
    }

    private func set(_ value: String = "new", token: UInt64 = 2) -> String? {
        self.front.set(self.key, value: ByteBuffer(string: value), ttlSeconds: nil, now: 0, token: token, receiver: self.receiver)?.text
    }

    private func delete(_ key: String = "k") -> String? {
        self.front.delete(ByteBuffer(string: key), now: 0, token: 3, receiver: self.receiver)?.text
    }

    /// Redis answers a read that it was asked to track, or not.
    private func answer(_ value: String?, milliseconds: Int64 = -1, consent: RESPValue? = nil) {
        if let consent { self.connection.reply(consent) }
        self.connection.reply(value.map { .bulkString(ByteBuffer(string: $0)) } ?? .null)
        self.connection.reply(.integer(value == nil ? -2 : milliseconds))
    }

    /// Two reads: the second is kept.
    private func fill(_ key: String = "k", _ value: String? = "v", milliseconds: Int64 = -1) {
        #expect(self.get(key) == nil)
        self.answer(value, milliseconds: milliseconds)
        #expect(self.get(key) == nil)
        self.answer(value, milliseconds: milliseconds, consent: .simpleOK)
    }

    private func push(_ keys: [String]?) {
        let content = keys.map { RESPValue.array($0.map { .bulkString(ByteBuffer(string: $0)) }) } ?? .null
        self.connection.delegate?.redisPushed([.bulkString(ByteBuffer(string: "invalidate")), content])
    }

    private func count(_ event: NearCounters.Event) -> Int { self.store.nearCounters?.snapshot.count(event) ?? -1 }

    // MARK: Copies

    @Test func theSecondReadIsTrackedAndTheThirdComesFromTheCopy() {
        self.fill(milliseconds: 1500)
        #expect(self.connection.commands == ["GET k", "PTTL k", "CLIENT CACHING YES", "GET k", "PTTL k"])
        #expect(self.get() == "hit v ttl=1500 near")
        #expect(self.get(now: 1_499_000_000) == "hit v ttl=1 near")
        #expect(self.get(now: 1_500_000_000) == nil, "no copy outlives its key")
        #expect(self.count(.kept) == 1)
        #expect(self.store.nearCounters?.snapshot.ages.count == 2)
    }

    @Test func anAbsenceIsKeptForAWhile() {
        self.fill("k", nil)
        #expect(self.get() == "miss near")
        #expect(self.get(now: 4_999_000_000) == "miss near")
        #expect(self.get(now: 5_000_000_000) == nil)
    }

    @Test func aCopyIsReadAgainWhenItIsOld() {
        self.fill()
        #expect(self.get(now: 60_000_000_000) == "hit v ttl=none near")
        #expect(self.get(now: 60_100_000_000) == nil)
    }

    @Test func whatIsNotSuitableIsNotKept() {
        let test = NearStoreTests { $0.maximumValueBytes = 4 }
        test.fill("k", "12345")
        #expect(test.get() == nil)
        test.answer("12345", consent: .simpleOK)
        test.fill("l", "odd")
        #expect(test.get("l") == nil)
        #expect(test.count(.unsuitable) == 3)
    }

    @Test func aHitWhoseTimeToLiveIsUnknownIsNotKept() {
        #expect(self.get() == nil)
        self.answer("v")
        #expect(self.get() == nil)
        self.connection.reply(.simpleOK)
        self.connection.reply(.bulkString(ByteBuffer(string: "v")))
        self.connection.reply(.failure(.serverError(ByteBuffer(string: "ERR no"))))
        #expect(self.get() == nil)
        #expect(self.count(.kept) == 0)
    }

    @Test func aClientCanAskForRedisItself() {
        self.fill()
        #expect(self.get(acceptsCopy: false) == nil)
        self.answer("w", consent: .simpleOK)
        #expect(self.get() == "hit w ttl=none near", "which is worth a copy, too")
    }

    // MARK: Changes

    @Test func anOwnWriteDropsTheCopyBeforeItIsAcknowledged() {
        self.fill()
        #expect(self.set() == nil)
        #expect(self.get() == nil, "a client may read before its write is answered")
        self.connection.reply(.simpleOK)
        #expect(self.receiver.answers.last == "2: stored redis")
        #expect(self.get(token: 5) == nil)
        // Of the read before the acknowledgement.
        self.answer("new", consent: .simpleOK)
        #expect(self.count(.fenced) == 1, "it may have been read before the write")
        self.answer("new", consent: .simpleOK)
        #expect(self.get() == "hit new ttl=none near")
    }

    @Test func aDeletionDropsTheCopy() {
        self.fill()
        #expect(self.delete() == nil)
        self.connection.reply(.integer(1))
        #expect(self.get() == nil)
    }

    @Test func aPushDropsTheCopyAndWhatIsOnItsWay() {
        self.fill()
        self.push(["k"])
        #expect(self.get() == nil)
        self.connection.reply(.simpleOK)
        self.connection.reply(.bulkString(ByteBuffer(string: "old")))
        self.push(["k"])
        self.connection.reply(.integer(-1))
        #expect(self.receiver.answers.last == "1: hit old ttl=none redis")
        #expect(self.get() == nil)
        #expect(self.count(.fenced) == 1)
        #expect(self.count(.pushOfKeys) == 2 && self.count(.invalidatedKey) == 2)
    }

    @Test func aPushOfEverythingEndsAllCopies() {
        self.fill()
        self.push(nil)
        #expect(self.get() == nil)
        #expect(self.count(.pushOfEverything) == 1)
    }

    @Test func otherPushesChangeNothing() {
        self.fill()
        self.connection.delegate?.redisPushed([.bulkString(ByteBuffer(string: "tracking-redir-broken"))])
        self.connection.delegate?.redisPushed([.bulkString(ByteBuffer(string: "invalidate")), .integer(1)])
        self.connection.delegate?.redisPushed([])
        #expect(self.count(.otherPush) == 3)
        #expect(self.get() == "hit v ttl=none near")
    }

    @Test func aLargePushIsTakenInSteps() {
        for key in ["first", "last"] { self.fill(key) }
        let others = (0..<1000).map { "other\($0)" }
        self.push(["first"] + others + ["last"])
        self.push(["late"])
        #expect(self.get("first") == nil)
        #expect(self.get("last") == "hit v ttl=none near", "an answer in between is one before the push")
        self.loop.run()
        #expect(self.get("last") == nil)
        #expect(self.count(.invalidatedKey) == 1003)
    }

    @Test func morePushedKeysThanCanBeDroppedEndAllCopies() {
        let test = NearStoreTests { $0.maximumPushedKeys = 300 }
        test.fill()
        test.push((0..<300).map { "other\($0)" })
        #expect(test.get() == "hit v ttl=none near")
        test.push((0..<300).map { "other\($0)" })
        #expect(test.get() == nil)
        #expect(test.count(.pushOverflow) == 1)
        test.loop.run()
        #expect(test.get(token: 9) == nil)
    }

    // MARK: Reads that share an answer

    @Test func readsOfOneKeyShareAnAnswer() {
        #expect(self.get(token: 1) == nil)
        #expect(self.get(token: 2) == nil)
        #expect(self.connection.commands == ["GET k", "PTTL k"])
        self.answer("v")
        #expect(self.receiver.answers == ["1: hit v ttl=none redis", "2: hit v ttl=none redis"])
        #expect(self.count(.shared) == 1)
    }

    @Test func aReadAfterAWriteSharesNoOlderOne() {
        #expect(self.get(token: 1) == nil)
        #expect(self.set(token: 2) == nil)
        #expect(self.get(token: 3) == nil)
        #expect(self.connection.commands.filter { $0 == "GET k" }.count == 2)
        self.answer("old")
        self.connection.reply(.simpleOK)
        #expect(self.get(token: 4) == nil, "nor when the write is answered")
        #expect(self.connection.commands.filter { $0 == "GET k" }.count == 3)
        #expect(self.count(.shared) == 0)
    }

    @Test func aReadThatWantsRedisSharesNothing() {
        #expect(self.get(token: 1) == nil)
        #expect(self.get(acceptsCopy: false, token: 2) == nil)
        #expect(self.connection.commands.filter { $0 == "GET k" }.count == 2)
    }

    @Test func aSharedReadThatFailsIsAnsweredFromMemoryForAll() {
        #expect(self.get(token: 1) == nil)
        #expect(self.get(token: 2) == nil)
        self.connection.missDeadlines()
        #expect(self.receiver.answers == ["1: miss outage", "2: miss outage"])
    }

    // MARK: What keeps copies true

    @Test func withoutConsentNothingIsKept() {
        #expect(self.get() == nil)
        self.answer("v")
        #expect(self.get() == nil)
        self.connection.reply(.failure(.serverError(ByteBuffer(string: "NOPERM no"))))
        self.answer("v")
        #expect(self.get() == nil)
        #expect(self.connection.commands.suffix(2) == ["GET k", "PTTL k"], "Redis is not asked again")
        #expect(self.near.report.coherence == .off)
        #expect(self.near.report.standing == .refused)
    }

    @Test func withoutTrackingThereAreNoCopies() {
        let test = NearStoreTests({ _ in }, isTracking: false)
        for _ in 0..<3 {
            #expect(test.get() == nil)
            test.answer("v")
        }
        #expect(test.near.report.standing == .refused)
        #expect(!test.connection.commands.contains("CLIENT CACHING YES"))
    }

    @Test func copiesCanLiveForAFixedTime() {
        let test = NearStoreTests(
            {
                $0.mode = .ttl
                $0.timeToLive = .milliseconds(100)
            }, isTracking: false)
        for _ in 0..<2 {
            #expect(test.get() == nil)
            test.answer("v")
        }
        #expect(test.get() == "hit v ttl=none near")
        #expect(test.get(now: 120_000_000) == nil)
        #expect(test.near.report.coherence == .ttl)
    }

    /// Whoever waits for a value would wait as long as the copy lives.
    @Test func noLeaseIsKeptThatNothingKeepsTrue() {
        let test = NearStoreTests(
            {
                $0.mode = .ttl
                $0.timeToLive = .seconds(10)
            }, isTracking: false)
        let lease = Lease(token: LeaseToken(bits: 7))
        for held in [Envelope.placeholder(lease).wrap(ByteBuffer()), Envelope(lease: lease).wrap(ByteBuffer(string: "1"))] {
            // What was kept before says no longer how things are.
            for _ in 0..<2 {
                #expect(test.get(acceptsCopy: false) == nil)
                test.answer(nil)
            }
            #expect(test.get() == "miss near")
            #expect(test.get(acceptsCopy: false) == nil)
            test.connection.reply(.bulkString(held))
            test.connection.reply(.integer(5000))
            #expect(test.get() == nil)
            test.answer(nil)
        }
    }

    @Test func silenceSuspendsCopiesUntilTheSignOfLifeComes() {
        self.fill()
        self.loop.advanceTime(by: .seconds(1))
        #expect(self.connection.commands.last == "PING")
        self.connection.missDeadlines()
        #expect(self.near.report.standing == .silent)
        #expect(self.get() == nil)
        #expect(self.count(.silence) == 1)
        self.connection.reply(.simpleString(ByteBuffer(string: "PONG")))
        #expect(self.near.report.standing == .silent, "a late sign of life says how things were")
        #expect(self.connection.commands.last == "PING", "so another is asked for")
        self.answer("v")
        self.connection.reply(.simpleString(ByteBuffer(string: "PONG")))
        #expect(self.near.report.standing == .tracking)
        #expect(self.get(token: 9) == "hit v ttl=none near", "whatever changed was said before the sign of life")
    }

    @Test func aChangeDuringSilenceIsNotForgotten() {
        self.fill()
        self.loop.advanceTime(by: .seconds(1))
        self.connection.missDeadlines()
        self.push(["k"])
        self.connection.reply(.simpleString(ByteBuffer(string: "PONG")))
        self.connection.reply(.simpleString(ByteBuffer(string: "PONG")))
        #expect(self.near.report.standing == .tracking)
        #expect(self.get() == nil)
    }

    @Test func aFlushDuringSilenceIsNotForgotten() {
        self.fill()
        self.loop.advanceTime(by: .seconds(1))
        self.connection.missDeadlines()
        self.push(nil)
        self.connection.reply(.simpleString(ByteBuffer(string: "PONG")))
        self.connection.reply(.simpleString(ByteBuffer(string: "PONG")))
        #expect(self.near.report.standing == .tracking)
        #expect(self.get() == nil)
    }

    /// However long a link lags, and whatever comes late.
    @Test func oneSignOfLifeIsOwedAtMost() {
        for second in 1...5 {
            self.loop.advanceTime(by: .seconds(1))
            self.connection.missDeadlines()
            #expect(self.connection.commands == ["PING"], "second \(second)")
        }
        self.connection.reply(.simpleString(ByteBuffer(string: "PONG")))
        #expect(self.connection.commands == ["PING", "PING"])
        self.loop.advanceTime(by: .seconds(3))
        #expect(self.connection.commands == ["PING", "PING"])
    }

    // MARK: Outages

    @Test func copiesAreWhatWasLastKnown() {
        self.fill()
        self.connection.lose(.connectionClosed)
        #expect(self.get() == "hit v ttl=none outage")
        #expect(self.get(acceptsCopy: false) == "miss outage")
        #expect(self.set("w") == "stored outage")
        #expect(self.get() == "hit w ttl=none outage", "the journal first")
        #expect(self.delete() == "deleted outage")
        #expect(self.get() == "miss outage")
        #expect(self.delete() == "miss outage")
    }

    @Test func whatWasLastKnownIsNotAnsweredForEver() {
        let test = NearStoreTests({ _ in }, outage: { $0.staleLimit = .seconds(10) })
        test.fill()
        test.connection.lose(.connectionClosed)
        let now = Int(NIODeadline.now().uptimeNanoseconds)
        #expect(test.get(now: now) == "hit v ttl=none outage")
        #expect(test.get(now: now + 11_000_000_000) == "miss outage")
    }

    @Test func whatWasLastKnownNeedNotBeAnswered() {
        let test = NearStoreTests({ _ in }, outage: { $0.reads = .miss })
        test.fill()
        test.connection.lose(.connectionClosed)
        #expect(test.get() == "miss outage")
    }

    @Test func aDeletionOfWhatMemoryCannotKnowIsADeletion() {
        self.fill("absent", nil)
        self.connection.lose(.connectionClosed)
        #expect(self.delete("absent") == "miss outage", "it was known to be absent")
        #expect(self.delete("unknown") == "deleted outage")
        #expect(self.delete("unknown") == "miss outage")
    }

    @Test func nothingOfBeforeTheLossIsCurrentAfterwards() {
        self.fill()
        self.connection.lose(.connectionClosed)
        self.connection.becomeReady()
        self.gate.openForTest()
        #expect(self.get() == nil)
        #expect(self.count(.lostConnection) == 1)
    }

    @Test func aJournalThatOverflowsTakesAllCopiesWithIt() {
        let test = NearStoreTests({ _ in }, outage: { $0.journalKeys = 1 })
        test.fill()
        test.connection.lose(.connectionClosed)
        #expect(test.delete("a") == "deleted outage")
        #expect(test.get() == "hit v ttl=none outage")
        #expect(test.delete("b") == "deleted outage")
        #expect(test.get() == "miss outage", "nobody knows any more which keys were deleted")
    }
}
