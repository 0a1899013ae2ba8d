import Testing

@testable import CacheHTTP

/// The order of things on a connection, as traces.
@Suite struct FastLanePhaseTests {
    private func feed(_ request: String, _ framing: CodecFeed.BodyFraming? = nil, isWhole: Bool = false) -> CodecFeed {
        var feed = CodecFeed(maximumHeadBytes: 1000)
        Array(request.utf8).withUnsafeBytes { _ = feed.step($0) }
        if let framing { feed.readHead(framing) }
        if isWhole { feed.readEnd() }
        return feed
    }

    @Test func readingStopsAtTheBoundWhileAnAnswerIsPending() {
        let whole = self.feed("GET / HTTP/1.1\r\n\r\n", CodecFeed.BodyFraming.none, isWhole: true)
        for phase in [FastLanePhase.awaitingCache(token: 1), .awaitingRouter, .handedOver] {
            #expect(phase.wantsBytes(whole, buffered: 9, bound: 10, isWritable: true))
            #expect(!phase.wantsBytes(whole, buffered: 10, bound: 10, isWritable: true))
            #expect(phase.isServiceDue(whole))
        }
    }

    @Test func whatARequestLacksIsRead() {
        let phases = [FastLanePhase.awaitingRouter, .handedOver]
        for feed in [self.feed("GET / HTTP/1.1\r\n"), self.feed("POST / HTTP/1.1\r\n\r\n", .length(10))] {
            for phase in phases {
                #expect(phase.wantsBytes(feed, buffered: 1000, bound: 10, isWritable: false))
                #expect(!phase.isServiceDue(feed))
            }
        }
    }

    @Test func noRequestIsReadForAClientThatDoesNotRead() {
        for phase in [FastLanePhase.ready, .handedOver] {
            #expect(phase.wantsBytes(self.feed(""), buffered: 0, bound: 10, isWritable: true))
            #expect(!phase.wantsBytes(self.feed(""), buffered: 0, bound: 10, isWritable: false))
        }
        #expect(FastLanePhase.closing.wantsBytes(self.feed(""), buffered: 1000, bound: 10, isWritable: false), "what is thrown away needs no room")
    }
}
