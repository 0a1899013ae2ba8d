import CacheTestSupport
import NIOCore
import NIOEmbedded
import Synchronization
import TestSupport
import Testing

@testable import Cache

/// A client that may go away.
private final class WaitingPeer: Sendable {
    let isConnected = Atomic(true)
    /// After so many questions it is gone; 0 for never.
    private let answersLeft: Atomic<Int>

    init(answers: Int = 0) { self.answersLeft = Atomic(answers) }

    func ask() -> Bool {
        if self.answersLeft.load(ordering: .relaxed) > 0, self.answersLeft.subtract(1, ordering: .relaxed).newValue == 0 {
            self.isConnected.store(false, ordering: .relaxed)
            return true
        }
        return self.isConnected.load(ordering: .relaxed)
    }
}

@Suite struct LeaseWaitersTests {
    /// What has ended, in its order: `name: value`, `name: free`, `name: timeUp`, `name: gone`.
    private final class Ends {
        var all: [String] = []
    }

    private let loop = EmbeddedEventLoop()
    private let store = FakeStore()
    private let waiters: LeaseWaiters
    private let ends = Ends()
    private let key = ByteBuffer(string: "k")

    init() {
        self.waiters = LeaseWaiters(ValueResolver(self.store), on: self.loop)
    }

    private func wait(_ name: String, milliseconds: Int64 = 10_000, _ peer: WaitingPeer = WaitingPeer(), key: ByteBuffer? = nil) {
        let ends = self.ends
        self.waiters.wait(for: key ?? self.key, until: self.loop.now + .milliseconds(milliseconds), isConnected: { peer.ask() }) { wait in
            switch wait {
            case .value(let answer): ends.all.append("\(name): \(answer.text)")
            case .free: ends.all.append("\(name): free")
            case .timeUp(let source): ends.all.append("\(name): timeUp\(source.map { " \($0)" } ?? "")")
            case .gone: ends.all.append("\(name): gone")
            }
        }
    }

    private var held: CacheAnswer { Self.held(10_000) }

    private static func held(_ remaining: Int64, _ source: CacheSource = .redis) -> CacheAnswer {
        .hit(.buffer(Envelope.placeholder(Lease(token: LeaseToken(bits: 7))).wrap(ByteBuffer())), remainingMilliseconds: remaining, source)
    }

    private static func value(_ text: String = "1") -> CacheAnswer { .hit(.buffer(ByteBuffer(string: text)), remainingMilliseconds: nil, .redis) }

    private func advance(_ milliseconds: Int64) { self.loop.advanceTime(by: .milliseconds(milliseconds)) }

    // MARK: Ends

    @Test func oneReadAnswersAll() {
        for name in ["a", "b", "c"] { self.wait(name) }
        #expect(self.store.waitingOperations == ["GET k"])
        self.store.answer(self.held)
        self.advance(5)
        self.store.answer(Self.value())
        #expect(self.ends.all == ["a: hit 1 ttl=none redis", "b: hit 1 ttl=none redis", "c: hit 1 ttl=none redis"])
        #expect(self.waiters.count == 0)
        self.advance(20_000)
        #expect(self.ends.all.count == 3)
        #expect(self.store.operations.count == 2)
    }

    @Test func aFreeLeaseGoesToOneAtATime() {
        for name in ["a", "b"] { self.wait(name) }
        self.store.answer(.miss(.redis))
        #expect(self.ends.all == ["a: free"])
        #expect(self.waiters.count == 1)
        self.advance(5)
        self.store.answer(self.held)
        self.advance(10)
        self.store.answer(.miss(.redis))
        #expect(self.ends.all == ["a: free", "b: free"])
        #expect(self.waiters.count == 0)
    }

    @Test func theTimeOfEachIsItsOwn() {
        self.wait("a", milliseconds: 30)
        self.wait("b", milliseconds: 10)
        self.advance(10)
        #expect(self.ends.all == ["b: timeUp"])
        self.advance(20)
        #expect(self.ends.all == ["b: timeUp", "a: timeUp"])
        #expect(self.waiters.count == 0)
        // The read that was under way finds nobody.
        self.store.answer(Self.value())
        self.advance(1000)
        #expect(self.ends.all.count == 2)
        #expect(self.store.operations.count == 1)
    }

    /// Redis may go away while somebody waits.
    @Test func whoseTimeIsOverHearsWhoSaidLastThatTheValueIsComputed() {
        self.wait("a", milliseconds: 20)
        self.wait("b", milliseconds: 30)
        self.store.answer(self.held)
        self.advance(5)
        self.store.answer(Self.held(10_000, .outage))
        self.store.answer(Self.held(10_000, .outage))
        self.advance(15)
        #expect(self.ends.all == ["a: timeUp outage"])
        self.store.answer(self.held)
        self.advance(10)
        #expect(self.ends.all == ["a: timeUp outage", "b: timeUp redis"])
    }

    // MARK: Without Redis

    /// A lease is what memory holds, not what a copy says of Redis.
    @Test func withoutRedisMemoryIsAskedForTheLease() {
        self.wait("a")
        self.store.answer(.miss(.outage))
        #expect(self.store.waitingOperations == ["GET k, no copy"])
        self.store.answer(Self.held(10_000, .outage))
        #expect(self.ends.all.isEmpty)
        self.advance(5)
        self.store.answer(.miss(.outage))
        self.store.answer(.miss(.outage))
        #expect(self.ends.all == ["a: free"])
    }

    /// A value without its tag is a miss, and somebody in this process computes the next.
    @Test func aCopyThatIsNoValueAnyMoreEndsNoWait() {
        self.wait("a")
        var envelope = Envelope()
        envelope.tags = [VersionedTag(name: ByteBuffer(string: "t"), version: TagVersion(bits: 1))]
        self.store.answer(.hit(.buffer(envelope.wrap(ByteBuffer(string: "1"))), remainingMilliseconds: 10_000, .outage))
        self.store.answer(.miss(.outage))
        #expect(self.store.waitingOperations == ["GET k, no copy"])
        self.store.answer(Self.held(10_000, .outage))
        #expect(self.ends.all.isEmpty && self.store.waitingOperations.isEmpty)
    }

    @Test func whoIsGoneTakesNoLease() {
        let peer = WaitingPeer()
        self.wait("a", peer)
        self.wait("b")
        peer.isConnected.store(false, ordering: .relaxed)
        self.store.answer(.miss(.redis))
        #expect(self.ends.all == ["a: gone", "b: free"])
        #expect(self.waiters.count == 0)
    }

    @Test func theEndIsThatOfAll() {
        self.wait("a")
        self.wait("b", key: ByteBuffer(string: "other"))
        self.waiters.endAll()
        self.wait("c")
        #expect(self.ends.all.sorted() == ["a: timeUp", "b: timeUp", "c: timeUp"])
        #expect(self.waiters.count == 0)
        // What was asked for them comes all the same.
        for _ in 0..<2 { self.store.answer(Self.value()) }
        self.advance(20_000)
        #expect(self.ends.all.count == 3 && self.store.waitingOperations.isEmpty)
    }

    /// A connection may end between two questions.
    @Test(arguments: 1...4) func whoGoesMeanwhileEndsOnce(_ answers: Int) {
        let gone = WaitingPeer()
        self.wait("gone", gone)
        self.wait("a", WaitingPeer(answers: answers))
        self.wait("b")
        gone.isConnected.store(false, ordering: .relaxed)
        for _ in 0..<8 {
            guard !self.store.waitingOperations.isEmpty else { break }
            self.store.answer(self.held)
            self.advance(50)
        }
        #expect(self.ends.all == ["gone: gone", "a: gone"])
        #expect(self.waiters.count == 1)
        self.store.answer(Self.value())
        #expect(self.ends.all == ["gone: gone", "a: gone", "b: hit 1 ttl=none redis"])
    }

    // MARK: Looking

    @Test func pausesGrowToFiftyMilliseconds() {
        self.wait("a")
        for pause: Int64 in [5, 10, 20, 40, 50, 50] {
            self.store.answer(self.held)
            self.advance(pause - 1)
            #expect(self.store.waitingOperations.isEmpty)
            self.advance(1)
            #expect(self.store.waitingOperations == ["GET k"])
        }
    }

    @Test func aPauseEndsWithTheLease() {
        self.wait("a")
        for _ in 0..<4 {
            self.store.answer(self.held)
            self.advance(40)
        }
        self.store.answer(Self.held(3))
        self.advance(4)
        #expect(self.store.waitingOperations == ["GET k"])
    }

    @Test func aChangeWakesAtOnce() {
        self.wait("a")
        self.store.answer(self.held)
        self.waiters.keyChanged(ByteBuffer(string: "other"))
        #expect(self.store.waitingOperations.isEmpty)
        self.waiters.keyChanged(self.key)
        #expect(self.store.waitingOperations == ["GET k"])
        self.store.answer(Self.value())
        #expect(self.ends.all == ["a: hit 1 ttl=none redis"])
        self.advance(100)
        #expect(self.store.operations.count == 2, "the pause is over with the watch")
    }

    /// A read that was sent before the change does not show it.
    @Test func aChangeDuringAReadIsLookedAtAtOnce() {
        self.wait("a")
        self.waiters.keyChanged(self.key)
        #expect(self.store.waitingOperations == ["GET k"])
        self.store.answer(self.held)
        #expect(self.store.waitingOperations == ["GET k"])
        self.store.answer(self.held)
        #expect(self.store.waitingOperations.isEmpty)
    }

    /// Whoever comes after the read was sent knows that nothing was there, and gets nothing older.
    @Test func noReadAnswersWhoCameAfterIt() {
        self.wait("early")
        self.wait("middle")
        self.store.answer(self.held)
        self.advance(5)
        self.wait("late")
        self.store.answer(Self.value("0"))
        #expect(self.ends.all == ["early: hit 0 ttl=none redis", "middle: hit 0 ttl=none redis"])
        #expect(self.store.waitingOperations == ["GET k"])
        self.store.answer(Self.value("1"))
        #expect(self.ends.all.last == "late: hit 1 ttl=none redis")
        #expect(self.waiters.count == 0)
    }

    @Test func theReadOfAnEndedWatchAnswersNobody() {
        self.wait("early", milliseconds: 10)
        self.advance(10)
        self.wait("late")
        #expect(self.store.waitingOperations == ["GET k", "GET k"])
        self.store.answer(Self.value("0"))
        #expect(self.ends.all == ["early: timeUp"])
        self.store.answer(Self.value("1"))
        #expect(self.ends.all == ["early: timeUp", "late: hit 1 ttl=none redis"])
    }

    // MARK: Random courses

    /// Each waiter ends exactly once, by its time at the latest, and nothing is left.
    @Test(arguments: 0..<200 as Range<UInt64>) func everybodyEndsOnce(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let keys = ["k", "l"].map { ByteBuffer(string: $0) }
        var peers: [WaitingPeer] = []
        for _ in 0..<120 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...2:
                peers.append(WaitingPeer(answers: Int.random(in: 0...6, using: &random)))
                self.wait(
                    "\(peers.count)", milliseconds: .random(in: 1...80, using: &random), peers[peers.count - 1],
                    key: keys.randomElement(using: &random))
            case 3: peers.randomElement(using: &random)?.isConnected.store(false, ordering: .relaxed)
            case 4: self.waiters.keyChanged(keys[Int.random(in: 0...1, using: &random)])
            case 5, 6: self.advance(.random(in: 0...20, using: &random))
            default:
                guard !self.store.waitingOperations.isEmpty else { continue }
                let answer = [self.held, self.held, Self.held(2), Self.value(), .miss(.redis), .refused(.notReadable, .redis)].randomElement(
                    using: &random)
                self.store.answer(answer ?? self.held, at: .random(in: 0..<self.store.waitingOperations.count, using: &random))
            }
        }
        self.advance(80)
        #expect(self.waiters.count == 0)
        let names = self.ends.all.compactMap { $0.split(separator: ":").first.flatMap { Int($0) } }
        #expect(names.sorted() == peers.indices.map { $0 + 1 })
    }
}
