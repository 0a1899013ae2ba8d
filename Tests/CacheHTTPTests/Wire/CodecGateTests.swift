import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// The rules of a connection that the router does not see, without a connection.
@Suite struct CodecGateTests {
    private final class Observer: CodecObserver {
        enum Event: Equatable {
            case refused(AnswerStatus)
            case readHead(CodecFeed.BodyFraming)
            case readEnd(isLast: Bool)
            case bodyWanted
            case wroteEnd(isLast: Bool)
        }

        var events: [Event] = []
        var endsAfterAnswer = false
        /// What requests are told that are no probes.
        var refusal: Answer?

        func refusal(isProbe: Bool) -> Answer? { isProbe ? nil : self.refusal }
        func refuseHead(_ answer: Answer) { self.events.append(.refused(answer.status)) }
        func codecReadHead(_ framing: CodecFeed.BodyFraming) { self.events.append(.readHead(framing)) }
        func codecReadEnd(isLast: Bool) { self.events.append(.readEnd(isLast: isLast)) }
        func bodyWanted() { self.events.append(.bodyWanted) }
        func codecWroteEnd(isLast: Bool) { self.events.append(.wroteEnd(isLast: isLast)) }
    }

    private let observer = Observer()
    private let channel: EmbeddedChannel

    init() throws {
        self.channel = EmbeddedChannel()
        try self.channel.pipeline.syncOperations.addHandler(CodecGate(self.observer))
    }

    private func reads(
        _ method: HTTPMethod = .GET, _ target: String = "/", version: HTTPVersion = .http1_1, _ fields: [(String, String)] = [], isWhole: Bool = true
    ) throws {
        var headers = HTTPHeaders(fields)
        if version == .http1_1 { headers.add(name: "Host", value: "cache") }
        try self.channel.writeInbound(HTTPServerRequestPart.head(HTTPRequestHead(version: version, method: method, uri: target, headers: headers)))
        if isWhole { try self.channel.writeInbound(HTTPServerRequestPart.end(nil)) }
    }

    private func answers() throws -> HTTPHeaders? {
        try self.channel.writeOutbound(HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .ok)))
        try self.channel.writeOutbound(HTTPServerResponsePart.end(nil))
        guard case .head(let head) = try self.channel.readOutbound(as: HTTPServerResponsePart.self) else { return nil }
        _ = try self.channel.readOutbound(as: HTTPServerResponsePart.self)
        return head.headers
    }

    @Test func requestsFollowEachOther() throws {
        for _ in 0..<2 {
            try self.reads()
            #expect(try self.answers()?["connection"] == [])
        }
        let round: [Observer.Event] = [.readHead(.none), .readEnd(isLast: false), .wroteEnd(isLast: false)]
        #expect(self.observer.events == round + round)
    }

    @Test func theCodecsFramingIsPassedOn() throws {
        try self.reads(.POST, "/", [("Content-Length", "7")], isWhole: false)
        #expect(self.observer.events == [.readHead(.length(7))])
        let other = try CodecGateTests()
        try other.reads(.POST, "/", [("Transfer-Encoding", "chunked")], isWhole: false)
        #expect(other.observer.events == [.readHead(.chunked)])
    }

    @Test(arguments: [[("Connection", "close")], [("Upgrade", "websocket")]]) func whatFollowsTheLastRequestIsNotRead(fields: [(String, String)])
        throws
    {
        try self.reads(.GET, "/", fields)
        try self.reads()
        #expect(self.observer.events == [.readHead(.none), .readEnd(isLast: true)])
        #expect(try self.answers()?["connection"] == ["close"])
        #expect(self.observer.events.last == .wroteEnd(isLast: true))
        #expect(throws: (any Error).self) { try self.answers() }
    }

    @Test func anOldClientIsToldThatTheConnectionStays() throws {
        try self.reads(version: .http1_0, [("Connection", "keep-alive")])
        #expect(try self.answers()?["connection"] == ["keep-alive"])
    }

    @Test func anAnswerBeforeTheEndOfItsRequestIsTheLast() throws {
        try self.reads(.POST, "/", [("Content-Length", "7")], isWhole: false)
        #expect(try self.answers()?["connection"] == ["close"])
        #expect(self.observer.events.last == .wroteEnd(isLast: true))
    }

    @Test func theConnectionSaysWhichAnswerIsItsLast() throws {
        self.observer.endsAfterAnswer = true
        try self.reads()
        #expect(try self.answers()?["connection"] == ["close"])
        #expect(self.observer.events.last == .wroteEnd(isLast: true))
    }

    @Test func requestsAreRefusedAtABoundButNotProbes() throws {
        self.observer.refusal = Answer.overloaded(.unsentBytes)
        try self.reads(.GET, "/health/live")
        #expect(self.observer.events.first == .readHead(.none))
        _ = try self.answers()
        try self.reads(.GET, "/cache/stats")
        try self.reads(.GET, "/health/live")
        #expect(self.observer.events.last == .refused(.serviceUnavailable), "nothing that follows counts")
    }

    @Test func aRequestWithoutAHostIsNone() throws {
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
        try self.channel.writeInbound(HTTPServerRequestPart.head(head))
        #expect(self.observer.events == [.refused(.badRequest)])
    }

    @Test func leaveToSendABodyIsGivenOnceAndOnlyIfTheRouteWantsIt() throws {
        try self.reads(.POST, "/", [("Content-Length", "7"), ("Expect", "100-continue")], isWhole: false)
        #expect(try self.channel.readOutbound(as: HTTPServerResponsePart.self) == nil)
        for _ in 0..<2 { self.channel.pipeline.triggerUserOutboundEvent(BodyWanted(), promise: nil) }
        let interim = try self.channel.readOutbound(as: HTTPServerResponsePart.self)
        #expect(interim == .head(HTTPResponseHead(version: .http1_1, status: .continue)))
        #expect(try self.channel.readOutbound(as: HTTPServerResponsePart.self) == nil)
        #expect(self.observer.events.last == .bodyWanted)
    }

    @Test func whatIsNoHTTPIsRefusedOnce() {
        for _ in 0..<2 { self.channel.pipeline.fireErrorCaught(HTTPParserError.invalidMethod) }
        #expect(self.observer.events == [.refused(.badRequest)])
        let tooLarge = try? CodecGateTests()
        tooLarge?.channel.pipeline.fireErrorCaught(HTTPParserError.headerOverflow)
        #expect(tooLarge?.observer.events == [.refused(.requestHeaderFieldsTooLarge)])
    }
}
