import Cache
import CacheTestSupport
import NIOCore
import NIOEmbedded
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// Batches on the lane, over a store that answers as the test says.
@Suite struct FastLaneBatchTests {
    private let store = FakeStore()
    private let channel = EmbeddedChannel()
    private let counters = OperationCounters()
    private let limiter: Limiter
    private let scope: EventLoopScope

    init() throws {
        var settings = HTTPSettings()
        settings.maximumBatchResponseBytes = 1 << 20
        self.limiter = Limiter(settings.serviceLimits)
        self.scope = EventLoopScope(
            cache: ValueResolver(self.store), counters: self.counters, settings: settings, accessLog: nil, access: nil, limiter: self.limiter,
            eventLoopCount: 1)
        try self.channel.pipeline.syncOperations.addHandler(self.scope.makeFastLane())
        try self.channel.connect(to: SocketAddress(unixDomainSocketPath: "/client")).wait()
    }

    private static func batch(_ operations: String) -> String {
        let body = #"{"operations":[\#(operations)]}"#
        return "POST /cache/batch HTTP/1.1\r\nHost: cache\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func gets(_ count: Int) -> String { self.batch((0..<count).map { #"{"op":"get","key":"\#($0)"}"# }.joined(separator: ",")) }

    private static let get = "GET /cache/next HTTP/1.1\r\nHost: cache\r\n\r\n"

    private func send(_ text: String) throws { try self.channel.writeInbound(ByteBuffer(string: text)) }

    private func read() throws -> String {
        var text = ""
        while let bytes = try self.channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }

    private func body(_ answer: String) -> String { answer.split(separator: "\r\n\r\n", maxSplits: 1).last.map(String.init) ?? "" }

    private static func hit(_ byteCount: Int, _ source: CacheSource = .redis) -> CacheAnswer {
        .hit(.buffer(ByteBuffer(string: "\"" + String(repeating: "v", count: byteCount - 2) + "\"")), remainingMilliseconds: nil, source)
    }

    @Test func oneAnswerForAllAtOnce() throws {
        self.store.answerAtOnce = { $0.hasPrefix("SET") ? .stored(.memory) : .miss(.memory) }
        try self.send(Self.batch(#"{"op":"set","key":"a","value":1},{"op":"get","key":"b"},{"op":"delete","key":"c"}"#))
        let answer = try self.read()
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.contains("\r\nCache-Status: redis-caching-agent; fwd=method; detail=memory\r\n"))
        #expect(answer.contains("\r\nCache-Control: no-store\r\n") && !answer.contains("X-Cache-Degraded"))
        #expect(
            self.body(answer)
                == #"{"results":[{"status":200,"success":true,"key":"a","message":"Value cached successfully with TTL: no expiration"},"#
                + #"{"status":404,"key":"b","detail":"Key not found"},{"status":404,"key":"c","detail":"Key not found"}]}"#)
        #expect(answer.contains("\r\nContent-Length: \(self.body(answer).utf8.count)\r\n"))
        let counts = self.counters.snapshot
        #expect(counts.count(.set, .memory, .stored) == 1 && counts.count(.get, .memory, .miss) == 1 && counts.count(.delete, .memory, .miss) == 1)
        let http = self.scope.httpCounters.snapshot
        #expect(http.batches.batches == 1 && http.batches.operations == 3 && http.count(.fastLane, .ok) == 1)
    }

    @Test func aBatchWaitsForItsLastAnswerAndTheNextRequestForTheBatch() throws {
        try self.send(Self.gets(2) + Self.get)
        #expect(self.store.waitingOperations == ["GET 0", "GET 1"] && self.scope.waitingRequests == 1)
        self.store.answer(.miss(.redis), at: 1)
        #expect(try self.read().isEmpty)
        self.store.answer(.miss(.outage))
        #expect(try self.read().contains("\r\nX-Cache-Degraded: 1\r\n"))
        #expect(self.store.waitingOperations == ["GET next"] && self.scope.waitingRequests == 1)
        #expect(self.limiter.hasRoom(forBatchOf: .max), "nothing of a batch waits any more")
    }

    @Test func aBatchMayArriveByteByByte() throws {
        self.store.answerAtOnce = { _ in .miss(.memory) }
        for byte in Self.gets(3).utf8 { try self.channel.writeInbound(ByteBuffer(bytes: [byte])) }
        #expect(try self.read().ranges(of: "\"status\":404").count == 3)
    }

    @Test func withoutRoomNothingIsDone() throws {
        self.store.hasRoomForBatches = false
        try self.send(Self.gets(2) + Self.gets(0))
        let answers = try self.read()
        #expect(answers.hasPrefix("HTTP/1.1 503 ") && answers.contains("\r\nRetry-After: 1\r\n") && self.store.operations.isEmpty)
        #expect(self.limiter.refusals(.requestsInFlight) == 2, "the connection goes on")
        self.store.hasRoomForBatches = true
        self.limiter.batchWaits(operations: 8192)
        try self.send(Self.gets(1))
        #expect(try self.read().hasPrefix("HTTP/1.1 503 ") && self.store.operations.isEmpty)
    }

    // MARK: Backpressure

    /// Ten long values come for a client that does not read.
    private func tenValuesForNobody(_ next: String = "") throws {
        try self.send(Self.gets(10) + next)
        self.channel.isWritable = false
        for _ in 0..<10 { self.store.answer(Self.hit(50_000)) }
    }

    /// A client that does not read gets no more than the head and what the channel takes; the rest is counted, and goes on when it reads.
    @Test func aLongAnswerGoesOutAsItIsRead() throws {
        try self.tenValuesForNobody(Self.get)
        self.store.answerAtOnce = { _ in Self.hit(2) }
        let head = try self.read()
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.hasSuffix("\r\n\r\n") && head.utf8.count < 1000)
        #expect(self.store.operations.count == 10, "what follows waits")
        #expect(self.limiter.unsentByteCount > 500_000)
        self.channel.isWritable = true
        self.channel.pipeline.fireChannelWritabilityChanged()
        let rest = try self.read()
        let length = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }.flatMap { Int($0.dropFirst(16)) } ?? 0
        #expect(rest.utf8.count > length && rest.dropFirst(length).hasPrefix("HTTP/1.1 200 OK\r\n"), "the next answer follows")
        #expect(rest.prefix(length).hasSuffix("\"}]}") && rest.ranges(of: "\"status\":200").count == 10)
        #expect(self.limiter.unsentByteCount == 0)
    }

    @Test func aClientThatGoesLeavesNothing() throws {
        try self.tenValuesForNobody()
        #expect(self.limiter.unsentByteCount > 500_000)
        _ = try self.channel.finish()
        #expect(self.limiter.unsentByteCount == 0)
    }

    @Test func valuesThatHaveComeAreCountedUntilTheClientIsGone() throws {
        try self.send(Self.gets(10))
        for _ in 0..<5 { self.store.answer(Self.hit(100_000)) }
        #expect(self.limiter.unsentByteCount == 500_000)
        _ = try self.channel.finish()
        #expect(self.limiter.unsentByteCount == 0 && self.scope.waitingRequests == 0 && self.limiter.hasRoom(forBatchOf: .max))
        for _ in 0..<5 { self.store.answer(Self.hit(100_000)) }
        #expect(self.limiter.unsentByteCount == 0)
    }

    @Test func valuesBeyondTheBoundAreRefusedOneByOne() throws {
        self.store.answerAtOnce = { _ in Self.hit(400_000) }
        try self.send(Self.gets(4))
        let answer = try self.read()
        #expect(answer.ranges(of: "\"status\":200").count == 2 && answer.ranges(of: "\"status\":413").count == 2)
        #expect(self.scope.httpCounters.snapshot.batches.valuesTooLarge == 2)
    }
}
