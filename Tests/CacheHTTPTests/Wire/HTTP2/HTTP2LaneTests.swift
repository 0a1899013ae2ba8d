import Cache
import CacheTestSupport
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// The lane of HTTP/2 on a channel without a socket, over a store that answers as the test says. The client is NIO's.
@Suite struct HTTP2LaneTests {
    /// What the client has received.
    private final class Inbox: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame
        var statuses: [HTTP2StreamID: String] = [:]
        var bodies: [HTTP2StreamID: String] = [:]
        var ended: [HTTP2StreamID] = []
        var resets: [HTTP2StreamID: HTTP2ErrorCode] = [:]
        var goAways: [(last: HTTP2StreamID, code: HTTP2ErrorCode)] = []

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = self.unwrapInboundIn(data)
            switch frame.payload {
            case .headers(let headers):
                self.statuses[frame.streamID] = headers.headers.first(name: ":status")
                if headers.endStream { self.ended.append(frame.streamID) }
            case .data(let data):
                if case .byteBuffer(let bytes) = data.data { self.bodies[frame.streamID, default: ""] += String(buffer: bytes) }
                if data.endStream { self.ended.append(frame.streamID) }
            case .rstStream(let code): self.resets[frame.streamID] = code
            case .goAway(let last, let code, _): self.goAways.append((last, code))
            default: break
            }
        }
    }

    /// Stands in the place of the router: keeps what its streams get.
    private final class Router: ConnectionProtocols {
        struct Stream {
            let channel: any Channel
            let received: NIOLoopBoundBox<[String]>
        }

        let streams: NIOLoopBoundBox<[Stream]>
        var startedHTTP1 = false
        var endings = 0

        init(_ loop: any EventLoop) { self.streams = NIOLoopBoundBox([], eventLoop: loop) }

        func makeHTTP1() throws -> any ChannelHandler {
            self.startedHTTP1 = true
            throw ChannelError.operationUnsupported
        }

        func makeHTTP2() -> @Sendable (any Channel) -> EventLoopFuture<Void> {
            { [streams] channel in
                channel.eventLoop.makeCompletedFuture {
                    let received = NIOLoopBoundBox<[String]>([], eventLoop: channel.eventLoop)
                    try channel.pipeline.syncOperations.addHandler(Recorder(received))
                    streams.value.append(Stream(channel: channel, received: received))
                }
            }
        }

        func ended() { self.endings += 1 }
    }

    private final class Recorder: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        private let received: NIOLoopBoundBox<[String]>

        init(_ received: NIOLoopBoundBox<[String]>) { self.received = received }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .headers(let headers):
                self.received.value.append((headers.headers.first(name: ":path") ?? "trailers") + (headers.endStream ? " end" : ""))
            case .data(let data):
                if case .byteBuffer(let bytes) = data.data { self.received.value.append(String(buffer: bytes) + (data.endStream ? " end" : "")) }
            default: break
            }
        }
    }

    private final class Connection {
        let server = EmbeddedChannel()
        let client: EmbeddedChannel
        let inbox = Inbox()
        let store = FakeStore()
        let router: Router
        let limiter: Limiter
        let scope: EventLoopScope
        private var nextID = 1

        init(window: Int = 65535, _ change: (inout HTTPSettings) -> Void = { _ in }) throws {
            var settings = HTTPSettings()
            change(&settings)
            self.limiter = Limiter(settings.serviceLimits)
            self.scope = EventLoopScope(
                cache: ValueResolver(self.store), counters: OperationCounters(), settings: settings, accessLog: nil, access: nil,
                limiter: self.limiter,
                eventLoopCount: 1)
            self.router = Router(self.server.eventLoop)
            try self.scope.addHandlers(to: self.server.pipeline.syncOperations, self.router)
            self.client = EmbeddedChannel(handlers: [
                NIOHTTP2Handler(mode: .client, initialSettings: [HTTP2Setting(parameter: .initialWindowSize, value: window)]), self.inbox,
            ])
            let address = try SocketAddress(unixDomainSocketPath: "/client")
            try self.server.connect(to: address).wait()
            try self.client.connect(to: address).wait()
            try self.exchange()
        }

        /// Brings what each side has written to the other, as long as there is anything. Returns how many writes the service has made.
        @discardableResult
        func exchange() throws -> Int {
            var writes = 0
            var isQuiet = false
            while !isQuiet {
                isQuiet = true
                var bytes = ByteBuffer()
                while let piece = try self.client.readOutbound(as: ByteBuffer.self) { bytes.writeImmutableBuffer(piece) }
                if bytes.readableBytes > 0 {
                    isQuiet = false
                    try self.server.writeInbound(bytes)
                }
                self.server.embeddedEventLoop.run()
                while let piece = try self.server.readOutbound(as: IOData.self) {
                    guard case .byteBuffer(let buffer) = piece, buffer.readableBytes > 0 else { continue }
                    isQuiet = false
                    writes += 1
                    try self.client.writeInbound(buffer)
                }
            }
            return writes
        }

        @discardableResult
        func writes(_ method: String, _ path: String, body: String? = nil, declared: Int? = nil, isEnd: Bool = true) -> HTTP2StreamID {
            let id = HTTP2StreamID(self.nextID)
            self.nextID += 2
            var headers = HPACKHeaders([(":method", method), (":scheme", "http"), (":path", path), (":authority", "cache")])
            if let count = declared ?? body?.utf8.count { headers.add(name: "content-length", value: "\(count)") }
            self.client.write(HTTP2Frame(streamID: id, payload: .headers(.init(headers: headers, endStream: body == nil && isEnd))), promise: nil)
            if let body { self.writes(body, on: id, isEnd: isEnd) }
            return id
        }

        func writes(_ body: String, on id: HTTP2StreamID, isEnd: Bool) {
            let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer(string: body)), endStream: isEnd)
            self.client.write(HTTP2Frame(streamID: id, payload: .data(data)), promise: nil)
        }

        /// Sends what the client has written, and waits until nothing more happens. Returns how many writes the service has made.
        @discardableResult
        func sends() throws -> Int {
            self.client.flush()
            return try self.exchange()
        }

        func opens(_ id: HTTP2StreamID, by count: Int) throws {
            self.client.writeAndFlush(HTTP2Frame(streamID: id, payload: .windowUpdate(windowSizeIncrement: count)), promise: nil)
            try self.exchange()
        }

        func resets(_ id: HTTP2StreamID) throws {
            self.client.writeAndFlush(HTTP2Frame(streamID: id, payload: .rstStream(.cancel)), promise: nil)
            try self.exchange()
        }
    }

    private static func hit(_ count: Int) -> CacheAnswer {
        .hit(.buffer(ByteBuffer(string: "\"" + String(repeating: "v", count: count - 2) + "\"")), remainingMilliseconds: nil, .redis)
    }

    @Test func requestsOfOneReadAreAnsweredInOneWrite() throws {
        let connection = try Connection()
        connection.store.answerAtOnce = { $0 == "GET a" ? Self.hit(5) : .miss(.memory) }
        for _ in 0..<5 { connection.writes("GET", "/cache/a") }
        let last = connection.writes("DELETE", "/cache/%62")
        // One for the answers, and one for the window of the connection.
        #expect(try connection.sends() <= 2)
        #expect(connection.store.operations == ["GET a", "GET a", "GET a", "GET a", "GET a", "DELETE b"])
        #expect(connection.inbox.statuses[1] == "200" && connection.inbox.statuses[last] == "404" && connection.inbox.ended.count == 6)
        #expect(connection.inbox.bodies[3] == #"{"success":true,"key":"a","value":"vvv"}"#)
        #expect(connection.router.streams.value.isEmpty)
    }

    @Test func bytesThatAreNoPrefaceStartHTTP1() throws {
        let channel = EmbeddedChannel()
        let settings = HTTPSettings()
        let router = Router(channel.eventLoop)
        let scope = EventLoopScope(
            cache: ValueResolver(FakeStore()), counters: OperationCounters(), settings: settings, accessLog: nil, access: nil,
            limiter: Limiter(settings.serviceLimits), eventLoopCount: 1)
        try scope.addHandlers(to: channel.pipeline.syncOperations, router)
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/client")).wait()
        try channel.writeInbound(ByteBuffer(string: "P"))
        #expect(!router.startedHTTP1)
        try channel.writeInbound(ByteBuffer(string: "OST /cache"))
        #expect(router.startedHTTP1)
        // This router makes none, and so the connection ends.
        #expect(!channel.isActive && router.endings > 0)
    }

    @Test func theRouterGetsEverythingElse() throws {
        let connection = try Connection()
        connection.writes("GET", "/cache?key=a")
        let upload = connection.writes("POST", "/cache/invalidate", body: "{", declared: 2, isEnd: false)
        try connection.sends()
        connection.writes("}", on: upload, isEnd: true)
        try connection.sends()
        let received = connection.router.streams.value.map(\.received.value)
        #expect(Set(received) == [["/cache?key=a end"], ["/cache/invalidate", "{", "} end"]])
        #expect(connection.store.operations.isEmpty)
    }

    @Test func aBodyIsGatheredAndThoseThatTheRouterMustAnswerAreReplayed() throws {
        let connection = try Connection()
        connection.store.answerAtOnce = { _ in .stored(.memory) }
        let id = connection.writes("POST", "/cache", body: #"{"key":"a","#, declared: 21, isEnd: false)
        try connection.sends()
        #expect(connection.store.operations.isEmpty)
        connection.writes(#""value":1}"#, on: id, isEnd: true)
        try connection.sends()
        #expect(connection.store.operations == ["SET a 1"] && connection.inbox.statuses[id] == "200")
        connection.writes("POST", "/cache", body: #"{"key":1}"#)
        try connection.sends()
        #expect(connection.router.streams.value.map(\.received.value) == [["/cache", #"{"key":1} end"#]])
        #expect(connection.limiter.receivedByteCount == 0)
    }

    @Test func aLongBodyGetsItsWindowAndCountsUntilItIsThere() throws {
        let connection = try Connection()
        connection.store.answerAtOnce = { _ in .stored(.memory) }
        let body = #"{"key":"a","value":""# + String(repeating: "v", count: 300_000) + #""}"#
        let id = connection.writes("POST", "/cache", declared: body.utf8.count, isEnd: false)
        try connection.sends()
        #expect(connection.limiter.receivedByteCount > 300_000)
        connection.writes(body, on: id, isEnd: true)
        try connection.sends()
        #expect(connection.inbox.statuses[id] == "200" && connection.limiter.receivedByteCount == 0)
    }

    @Test func whatWindowsDoNotLetOutIsCountedAndHoldsBackFurtherRequests() throws {
        let connection = try Connection(window: 10)
        connection.store.answerAtOnce = { _ in Self.hit(100_000) }
        for _ in 0..<5 { connection.writes("GET", "/cache/a") }
        try connection.sends()
        #expect(connection.store.operations.count == 1, "the first answer is more than may wait")
        #expect(connection.limiter.unsentByteCount > 99_000)
        try connection.opens(1, by: 200_000)
        try connection.opens(.rootStream, by: 1_000_000)
        #expect(connection.inbox.ended == [1] && connection.store.operations.count == 2)
        try connection.resets(3)
        #expect(connection.store.operations.count == 3, "what is reset waits for nobody")
        for id in [5, 7, 9] { try connection.opens(HTTP2StreamID(id), by: 200_000) }
        #expect(connection.inbox.ended == [1, 5, 7, 9])
        #expect(connection.limiter.unsentByteCount == 0)
    }

    @Test func aRequestThatIsTakenBackLeavesNothingBehind() throws {
        let connection = try Connection()
        let ids = (0..<3).map { _ in connection.writes("GET", "/cache/a") }
        try connection.sends()
        #expect(connection.scope.waitingRequests == 3)
        for id in ids { try connection.resets(id) }
        #expect(connection.scope.waitingRequests == 0)
        for _ in ids { connection.store.answer(.miss(.redis)) }
        #expect(try connection.sends() == 0 && connection.inbox.statuses.isEmpty)
        // One that is taken back in the same read never reaches the router.
        let id = connection.writes("GET", "/cache?key=a")
        connection.client.write(HTTP2Frame(streamID: id, payload: .rstStream(.cancel)), promise: nil)
        try connection.sends()
        #expect(connection.router.streams.value.isEmpty)
    }

    @Test func answersOfOneTickLeaveInOneWrite() throws {
        let connection = try Connection()
        for _ in 0..<4 { connection.writes("GET", "/cache/a") }
        try connection.sends()
        for _ in 0..<4 { connection.store.answer(.miss(.redis), at: 0) }
        #expect(try connection.exchange() == 1)
        #expect(connection.inbox.ended.count == 4)
    }

    /// A request may take long, such as one that waits for a value which somebody else computes.
    @Test func nobodyWaitsForTheRouter() throws {
        let connection = try Connection()
        for _ in 0..<20 { connection.writes("GET", "/cache?key=a") }
        try connection.sends()
        #expect(connection.router.streams.value.count == 20)
        connection.store.answerAtOnce = { _ in .miss(.memory) }
        let id = connection.writes("GET", "/cache/a")
        try connection.sends()
        #expect(connection.inbox.ended.contains(id))
        try connection.client.close().wait()
        try connection.server.close().wait()
        #expect(connection.limiter.admitStream(isProbe: false, isOpen: false))
    }

    @Test func aStopNamesTheLastStreamWhenTheClientHasHeardOfIt() throws {
        let connection = try Connection()
        connection.writes("GET", "/cache/a")
        try connection.sends()
        connection.server.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        // On its way before the client hears of the stop.
        connection.writes("GET", "/cache/b")
        try connection.sends()
        #expect(connection.inbox.goAways.map(\.last) == [.maxID, 3] && connection.inbox.goAways.allSatisfy { $0.code == .noError })
        #expect(connection.store.waitingOperations == ["GET a", "GET b"])
        #expect(connection.server.isActive)
        connection.store.answer(.miss(.redis))
        connection.store.answer(.miss(.redis))
        try connection.exchange()
        #expect(connection.inbox.ended.sorted() == [1, 3])
        connection.server.embeddedEventLoop.advanceTime(by: .seconds(10))
        #expect(!connection.server.isActive && connection.router.endings > 0)
        #expect(connection.scope.waitingRequests == 0)
    }

    @Test func limitsAnswerOnTheStream() throws {
        let connection = try Connection { $0.serviceLimits.maximumRequestsInFlight = 2 }
        for _ in 0..<3 { connection.writes("GET", "/cache/a") }
        for _ in 0..<3 { connection.writes("GET", "/cache?key=a") }
        connection.writes("GET", "/health")
        try connection.sends()
        #expect(connection.inbox.statuses == [5: "503", 11: "503"])
        #expect(connection.limiter.refusals(.requestsInFlight) == 1 && connection.limiter.refusals(.streams) == 1)
        #expect(connection.router.streams.value.count == 3, "a probe is admitted")
    }

    /// Who only promises bodies takes few places of a connection, and half of those of the process.
    @Test(arguments: [(2048, 64), (8, 4)]) func bodiesThatDoNotComeTakeNotAllPlaces(_ places: Int, _ admitted: Int) throws {
        let connection = try Connection { $0.serviceLimits.maximumRequestsInFlight = places }
        for _ in 0..<admitted { connection.writes("PUT", "/values/a", isEnd: false) }
        try connection.sends()
        #expect(connection.router.streams.value.count == admitted && connection.inbox.statuses.isEmpty)
        let refused = connection.writes("PUT", "/values/a", isEnd: false)
        connection.writes("GET", "/cache?key=a")
        try connection.sends()
        #expect(connection.inbox.statuses == [refused: "503"])
        #expect(connection.limiter.refusals(.streams) == 1)
        #expect(connection.router.streams.value.count == admitted + 1, "one that is whole has its place")
    }
}
