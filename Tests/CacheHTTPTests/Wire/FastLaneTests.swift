import Cache
import MemoryStore
import NIOCore
import NIOEmbedded
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// The lane on a channel without a socket, in front of the store in memory.
@Suite struct FastLaneTests {
    /// Stands in the place of the codec: keeps what it gets.
    private final class Codec: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var received = ""
        var readCompletes = 0
        var hasInputEnded = false
        /// What it reads in its bytes, once.
        var onRead: (() -> Void)?

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.received += String(buffer: self.unwrapInboundIn(data))
            self.onRead?()
            self.onRead = nil
        }

        func channelReadComplete(context: ChannelHandlerContext) { self.readCompletes += 1 }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .inputClosed? = event as? ChannelEvent { self.hasInputEnded = true }
        }
    }

    private final class Client {
        let channel = EmbeddedChannel()
        let codec = Codec()
        let scope: EventLoopScope
        let limiter: Limiter
        let lane: FastLane

        init(sharing other: Client? = nil, _ change: (inout HTTPSettings) -> Void = { _ in }) throws {
            var settings = HTTPSettings()
            change(&settings)
            self.limiter = other?.limiter ?? Limiter(settings.serviceLimits)
            self.scope =
                other?.scope
                ?? EventLoopScope(
                    cache: ValueResolver(EmbeddedStore(MemoryStore(MemoryStoreConfiguration()))), counters: OperationCounters(), settings: settings,
                    accessLog: nil,
                    access: nil,
                    limiter: self.limiter, eventLoopCount: 1)
            self.lane = FastLane(scope: self.scope)
            try self.channel.pipeline.syncOperations.addHandlers([self.lane, self.codec])
            try self.channel.connect(to: SocketAddress(unixDomainSocketPath: "/client")).wait()
        }

        func sends(_ text: String) throws { try self.channel.writeInbound(ByteBuffer(string: text)) }

        func reads() throws -> String {
            var text = ""
            while let bytes = try self.channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
            return text
        }

        /// The statuses of the answers that the client reads.
        func statuses() throws -> [String] {
            let text = try self.reads()
            return text.ranges(of: "HTTP/1.1 ").map { String(text[$0.upperBound...].prefix(3)) }
        }

        /// The router answers the request that the codec has.
        func routerAnswers(_ text: String = "HTTP/1.1 200 OK\r\n\r\n", isLast: Bool = false) {
            self.channel.write(IOData.byteBuffer(ByteBuffer(string: text)), promise: nil)
            self.lane.codecWroteEnd(isLast: isLast)
            self.channel.flush()
        }
    }

    private static let get = "GET /cache/key HTTP/1.1\r\nHost: cache\r\n\r\n"
    private static let set: String = {
        let body = #"{"key":"key","value":1}"#
        return "POST /cache HTTP/1.1\r\nHost: cache\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }()
    private static let stats = "GET /cache/stats HTTP/1.1\r\nHost: cache\r\n\r\n"

    @Test func pipelinedRequestsAreAnsweredInOneWrite() throws {
        let client = try Client()
        try client.sends(Self.set + Self.get + Self.get)
        let written = try #require(try client.channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) })
        #expect(written.ranges(of: "HTTP/1.1 200").count == 3)
        #expect(try client.reads().isEmpty && client.codec.received.isEmpty)
    }

    @Test func aRequestMayArriveByteByByte() throws {
        let client = try Client()
        for byte in Self.set.utf8.dropLast() { try client.channel.writeInbound(ByteBuffer(bytes: [byte])) }
        #expect(try client.reads().isEmpty)
        try client.sends("}")
        #expect(try client.statuses() == ["200"])
    }

    @Test func theRoutersRequestHoldsBackThoseBehindIt() throws {
        let client = try Client()
        client.codec.onRead = { [lane = client.lane] in
            lane.codecReadHead(.none)
            lane.codecReadEnd(isLast: false)
        }
        try client.sends(Self.get + Self.stats + Self.get)
        #expect(try client.statuses() == ["404"], "what came before is sent first")
        #expect(client.codec.received == Self.stats && client.codec.readCompletes == 1)
        client.routerAnswers()
        #expect(try client.statuses() == ["200", "404"])
    }

    @Test func theCodecGetsNoMoreOfABodyThanTheRouteWants() throws {
        let client = try Client()
        let head = "PUT /x HTTP/1.1\r\nHost: cache\r\nContent-Length: 40000\r\n\r\n"
        try client.sends(head)
        client.lane.codecReadHead(.length(40_000))
        try client.sends(String(repeating: "b", count: 40_000))
        #expect(client.codec.received.utf8.count == head.utf8.count + CodecFeed.unaskedBodyBytes)
        client.lane.bodyWanted()
        #expect(client.codec.received.utf8.count == head.utf8.count + 40_000)
    }

    @Test func withoutTheLaneTheCodecGetsEverything() throws {
        let client = try Client { $0.fastLane = false }
        try client.sends(Self.get)
        #expect(client.codec.received == Self.get)
    }

    @Test func theLastAnswerOfAConnectionEndsIt() throws {
        let client = try Client()
        try client.sends(Self.stats)
        client.lane.codecReadHead(.none)
        client.lane.codecReadEnd(isLast: true)
        client.routerAnswers(isLast: true)
        try client.sends(Self.get)
        #expect(try client.statuses() == ["200"], "what follows is discarded")
    }

    @Test func whileTheServiceStopsOneMoreRequestIsAnswered() throws {
        let client = try Client()
        client.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        try client.sends(Self.get + Self.get)
        let answers = try client.reads()
        #expect(answers.ranges(of: "HTTP/1.1 404").count == 1 && answers.contains("Connection: close\r\n"))
    }

    @Test func theEndOfInputFollowsTheAnswer() throws {
        let client = try Client()
        try client.sends(Self.stats)
        client.lane.codecReadHead(.none)
        client.lane.codecReadEnd(isLast: false)
        client.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(!client.codec.hasInputEnded)
        client.routerAnswers()
        #expect(client.codec.hasInputEnded)
    }

    @Test func aClientThatDoesNotReadHasNoFurtherRequestTaken() throws {
        let client = try Client()
        client.channel.isWritable = false
        client.channel.pipeline.fireChannelWritabilityChanged()
        try client.sends(Self.get)
        #expect(try client.reads().isEmpty)
        client.channel.isWritable = true
        client.channel.pipeline.fireChannelWritabilityChanged()
        #expect(try client.statuses() == ["404"])
    }

    @Test func atTheBoundOfConnectionsOnlyProbesAreAnswered() throws {
        let first = try Client { $0.serviceLimits.maximumConnections = 1 }
        let second = try Client(sharing: first)
        try second.sends(Self.get)
        #expect(try second.statuses() == ["503"])
        #expect(first.limiter.refusals(.connections) == 1)
        let third = try Client(sharing: first)
        #expect(third.lane.refusal(isProbe: true) == nil && third.lane.endsAfterAnswer)
    }

    @Test func requestsAreRefusedIfTooManyAnswersAreUnread() throws {
        let client = try Client { $0.serviceLimits.maximumUnsentBytes = 10 }
        client.limiter.unsent(10)
        try client.sends(Self.get)
        #expect(try client.statuses() == ["503"])
        #expect(client.limiter.refusals(.unsentBytes) == 1)
    }

    @Test func aBodyIsRefusedByItsHeadIfThereIsNoRoomForIt() throws {
        let client = try Client { $0.serviceLimits.maximumReceivedBytes = 10_000 }
        try client.sends("POST /cache HTTP/1.1\r\nHost: cache\r\nContent-Length: 20000\r\n\r\n")
        #expect(try client.statuses() == ["503"])
        #expect(client.limiter.refusals(.receivedBytes) == 1)
    }

    @Test func aBodyThatIsWaitedForIsCountedUntilItIsThere() throws {
        let client = try Client()
        let body = #"{"key":"key","value":""# + String(repeating: "v", count: 9000) + #""}"#
        let head = "POST /cache HTTP/1.1\r\nHost: cache\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        try client.sends(head)
        #expect(client.limiter.receivedByteCount == head.utf8.count + body.utf8.count)
        try client.sends(body)
        #expect(try client.statuses() == ["200"])
        #expect(client.limiter.receivedByteCount == 0)
    }

    @Test func tooManyWaitingRequestsAreRefusedAndTheConnectionGoesOn() throws {
        let client = try Client()
        client.scope.waitingRequests = client.scope.maximumWaitingRequests
        try client.sends(Self.get)
        client.scope.waitingRequests = 0
        try client.sends(Self.get)
        #expect(try client.statuses() == ["503", "404"])
        #expect(client.limiter.refusals(.requestsInFlight) == 1)
    }

    @Test func aClientThatIsGoneLeavesNothing() throws {
        let client = try Client()
        try client.sends("POST /cache HTTP/1.1\r\nHost: cache\r\nContent-Length: 20000\r\n\r\n")
        #expect(client.limiter.receivedByteCount > 0)
        _ = try client.channel.finish()
        #expect(client.limiter.receivedByteCount == 0 && client.limiter.unsentByteCount == 0)
        #expect(client.scope.httpCounters.snapshot.openConnections == 0)
        client.lane.cacheAnswered(.miss(.redis), token: 1)
        #expect(try client.reads().isEmpty)
    }
}
