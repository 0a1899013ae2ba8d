import CacheTestSupport
import NIOCore
import Testing

@testable import Cache

/// A batch on a store that answers as a test says.
@Suite struct BatchCollectorTests {
    private final class Receiver: BatchReceiver {
        var answers: [[String]] = []
        var heldBytes = 0
        var maximumHeldBytes = Int.max

        func batchHolds(_ byteCount: Int) -> Bool {
            self.heldBytes += byteCount
            return self.heldBytes <= self.maximumHeldBytes
        }

        func batchAnswered(_ collector: BatchCollector, _ outcomes: [BatchOutcome]) { self.answers.append(texts(outcomes)) }
    }

    private static func texts(_ outcomes: [BatchOutcome]) -> [String] {
        outcomes.map { outcome in
            switch outcome {
            case .waiting: "waiting"
            case .answered(let answer): answer.text
            case .valueDropped(let source): "dropped \(source)"
            }
        }
    }

    private static func hit(_ value: String, _ source: CacheSource = .redis) -> CacheAnswer {
        .hit(.buffer(ByteBuffer(string: value)), remainingMilliseconds: nil, source)
    }

    private let store = FakeStore()
    private let receiver = Receiver()

    /// `get k`, `set k v`, `delete k`, `touch k`
    private func collector(_ operations: [String], maximumValueBytes: Int = 1 << 20) -> BatchCollector {
        let operations = operations.map { text in
            let words = text.split(separator: " ").map { ByteBuffer(substring: $0) }
            return switch String(buffer: words[0]) {
            case "set": BatchOperation(.set(value: words[2], ttlSeconds: nil), key: words[1])
            case "delete": BatchOperation(.delete, key: words[1])
            case "touch": BatchOperation(.expire(ttlSeconds: 60), key: words[1])
            default: BatchOperation(.get, key: words[1])
            }
        }
        return BatchCollector(
            operations, acceptsCopy: true, maximumValueBytes: maximumValueBytes, resolver: ValueResolver(self.store), receiver: self.receiver)
    }

    @Test func whatIsAnsweredAtOnceIsReturned() throws {
        self.store.answerAtOnce = { $0.hasPrefix("GET") ? .miss(.memory) : .stored(.memory) }
        let outcomes = try #require(self.collector(["set a 1", "get a"]).ask(now: 0))
        #expect(Self.texts(outcomes) == ["stored memory", "miss memory"])
        #expect(self.receiver.answers.isEmpty)
        #expect(try #require(self.collector([]).ask(now: 0)).isEmpty)
    }

    @Test func everythingIsAskedInOrderAndTheLastAnswerEndsIt() {
        let collector = self.collector(["get a", "set b 1", "delete c"])
        #expect(collector.ask(now: 0) == nil)
        #expect(self.store.operations == ["GET a", "SET b 1", "DELETE c"])
        self.store.answer(.deleted(.redis), at: 2)
        self.store.answer(.miss(.redis))
        #expect(self.receiver.answers.isEmpty)
        self.store.answer(.stored(.redis))
        #expect(self.receiver.answers == [["miss redis", "stored redis", "deleted redis"]])
    }

    @Test func someAreAnsweredAtOnce() {
        self.store.answerAtOnce = { $0 == "GET near" ? Self.hit("1", .near) : nil }
        let collector = self.collector(["get near", "get far", "get near"])
        #expect(collector.ask(now: 0) == nil)
        self.store.answer(.miss(.redis))
        #expect(self.receiver.answers == [["hit 1 ttl=none near", "miss redis", "hit 1 ttl=none near"]])
    }

    // MARK: Time to live

    /// It is read, then changed; operations on other keys do not wait for that, those on the same key do.
    @Test func aNewTimeToLiveKeepsTheOrderOfItsKey() {
        let collector = self.collector(["set b 1", "touch a", "get b", "delete c", "touch c"])
        #expect(collector.ask(now: 0) == nil)
        #expect(self.store.waitingOperations == ["SET b 1", "GET a"])
        self.store.answer(Self.hit("1"), at: 1)
        #expect(self.store.waitingOperations == ["SET b 1", "EXPIRE a milliseconds(60000)"])
        self.store.answer(.stored(.redis), at: 1)
        #expect(self.store.waitingOperations == ["SET b 1"])
        self.store.answer(.stored(.redis))
        #expect(self.store.waitingOperations == ["GET b", "DELETE c"], "a deletion of c comes before its new time to live")
        self.store.answer(.deleted(.redis), at: 1)
        self.store.answer(Self.hit("1"))
        #expect(self.store.waitingOperations == ["GET c"])
        self.store.answer(.miss(.redis))
        #expect(self.receiver.answers == [["stored redis", "stored redis", "hit 1 ttl=none redis", "deleted redis", "miss redis"]])
    }

    @Test func aNewTimeToLiveMayComeAtOnce() throws {
        self.store.answerAtOnce = { $0.hasPrefix("GET") ? Self.hit("1", .memory) : .stored(.memory) }
        let outcomes = try #require(self.collector(["touch a", "get a", "touch a"]).ask(now: 0))
        #expect(Self.texts(outcomes) == ["stored memory", "hit 1 ttl=none memory", "stored memory"])
    }

    /// No result shows it. Only where something is changed as well, there is no second chance to ask for it.
    @Test func batchesThatOnlyReadDoNotWantTimesToLive() {
        _ = self.collector(["get a", "get b"]).ask(now: 0)
        #expect(self.store.keysReadWithoutTimeToLive == ["a", "b"])
        for change in ["set a 1", "delete a", "touch a"] { _ = self.collector(["get c", change]).ask(now: 0) }
        #expect(self.store.keysReadWithoutTimeToLive == ["a", "b"])
    }

    private func enveloped(staleSeconds: Int64, valueEnd: Int64?) -> ByteBuffer {
        var envelope = Envelope()
        envelope.staleSeconds = staleSeconds
        envelope.lease = valueEnd.map { Lease(token: .random(), endMilliseconds: 0, valueEndMilliseconds: $0) }
        return envelope.wrap(ByteBuffer(string: "1"))
    }

    /// A value under a lease may be over though its key is not: only the time to live says so.
    @Test func aValueUnderALeaseIsReadAgainWithItsTimeToLive() {
        for (remaining, expected) in [(Int64(9_000), "miss redis"), (11_000, "hit 1 ttl=-29000 redis")] {
            let collector = self.collector(["get stale", "get leased"])
            #expect(collector.ask(now: 0) == nil)
            self.store.answer(.hit(.buffer(self.enveloped(staleSeconds: 30, valueEnd: nil)), remainingMilliseconds: nil, .redis))
            let leased = self.enveloped(staleSeconds: 30, valueEnd: 10_000)
            self.store.answer(.hit(.buffer(leased), remainingMilliseconds: nil, .redis))
            #expect(self.store.waitingOperations == ["GET leased"])
            self.store.answer(.hit(.buffer(leased), remainingMilliseconds: remaining, .redis))
            #expect(self.receiver.answers.last == ["hit 1 ttl=none redis", expected])
        }
        #expect(self.store.keysReadWithoutTimeToLive == ["stale", "leased", "stale", "leased"])
    }

    /// Redis may not say what remains: then the value is answered, and not asked for without end.
    @Test func aValueUnderALeaseIsReadAgainOnce() {
        let leased = CacheAnswer.hit(.buffer(self.enveloped(staleSeconds: 30, valueEnd: 10_000)), remainingMilliseconds: nil, .redis)
        let collector = self.collector(["get leased"])
        #expect(collector.ask(now: 0) == nil)
        self.store.answer(leased)
        self.store.answer(leased)
        #expect(self.store.waitingOperations.isEmpty)
        #expect(self.receiver.answers == [["hit 1 ttl=none redis"]])
    }

    // MARK: Order

    /// An outage begins behind the first operation: what memory answers for the same key comes again after it.
    @Test func anOutageInTheMiddleDoesNotReorderAKey() {
        var isAway = false
        self.store.answerAtOnce = { operation in
            defer { isAway = true }
            guard isAway else { return nil }
            return operation.hasPrefix("GET") ? Self.hit("old", .outage) : .stored(.outage)
        }
        let collector = self.collector(["set a 1", "get b", "get a", "set a 2", "get a"])
        #expect(collector.ask(now: 0) == nil)
        #expect(self.store.operations == ["SET a 1", "GET b", "GET a"], "the rest waits for the first")
        self.store.answerAtOnce = { $0.hasPrefix("GET") ? Self.hit("new", .outage) : .stored(.outage) }
        self.store.answer(.stored(.outage))
        #expect(self.store.operations.dropFirst(3) == ["GET a", "SET a 2", "GET a"])
        #expect(
            self.receiver.answers == [
                ["stored outage", "hit old ttl=none outage", "hit new ttl=none outage", "stored outage", "hit new ttl=none outage"]
            ])
    }

    /// Of a cluster one shard may be away all the time: its keys wait for nothing.
    @Test func anOutageOfOtherKeysDelaysNothing() {
        self.store.answerAtOnce = { $0.hasSuffix("away") ? .miss(.outage) : nil }
        let collector = self.collector(["get here", "get away", "delete away", "get there"])
        #expect(collector.ask(now: 0) == nil)
        #expect(self.store.waitingOperations == ["GET here", "GET there"])
    }

    /// A connection that ends while commands are sent answers them before the batch is sent as a whole.
    @Test func answersMayComeWhileOthersAreAsked() throws {
        let store = self.store
        store.answerAtOnce = { operation in
            guard operation == "GET b" else { return nil }
            store.answer(.miss(.outage))
            return .miss(.outage)
        }
        let outcomes = try #require(self.collector(["get a", "get b"]).ask(now: 0))
        #expect(Self.texts(outcomes) == ["miss outage", "miss outage"])
        #expect(self.receiver.answers.isEmpty, "the end is returned, or told, but not both")
    }

    // MARK: Memory

    @Test func valuesBeyondTheRoomAreDroppedAsTheyCome() {
        let collector = self.collector(["get a", "get b", "get c", "get d"], maximumValueBytes: 5)
        #expect(collector.ask(now: 0) == nil)
        for value in ["123", "45", "6"] { self.store.answer(Self.hit(value)) }
        self.store.answer(.miss(.redis))
        #expect(self.receiver.answers == [["hit 123 ttl=none redis", "hit 45 ttl=none redis", "dropped redis", "miss redis"]])
    }

    @Test func theReceiverDecidesWhetherThereIsRoom() {
        self.receiver.maximumHeldBytes = 100_000
        let value = String(repeating: "v", count: 70_000)
        let collector = self.collector(["get a", "get b", "get c"])
        #expect(collector.ask(now: 0) == nil)
        for _ in 0..<3 { self.store.answer(Self.hit(value)) }
        let answers = self.receiver.answers.first ?? []
        #expect(answers.map { String($0.prefix(7)) } == ["hit vvv", "dropped", "dropped"])
        #expect(self.receiver.heldBytes <= 140_000)
    }
}
