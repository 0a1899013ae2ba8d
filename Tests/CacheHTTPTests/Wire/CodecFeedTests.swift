import TestSupport
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// What the codec may have, as traces.
@Suite struct CodecFeedTests {
    /// The value under test, where an expectation may change it.
    private final class Client {
        var feed: CodecFeed

        init(maximumHeadBytes: Int = 1000) { self.feed = CodecFeed(maximumHeadBytes: maximumHeadBytes) }

        func sends(_ text: String) -> CodecFeed.Step { Array(text.utf8).withUnsafeBytes { self.feed.step($0) } }
    }

    private let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test func oneRequestAtATime() {
        let feed = Client()
        #expect(feed.sends(self.get + self.get) == .take(self.get.utf8.count))
        feed.feed.readHead(.none)
        feed.feed.readEnd()
        #expect(feed.feed.isAnswering)
        #expect(feed.sends(self.get) == .wait)
        feed.feed.answerWritten()
        #expect(feed.feed.isAnswered)
        #expect(feed.sends(self.get) == .wait)
        feed.feed.nextRequest()
        #expect(feed.feed.isBetweenRequests)
        #expect(feed.sends(self.get) == .take(self.get.utf8.count))
    }

    /// However the bytes arrive, the codec gets those of one request and not one more.
    @Test(arguments: ["GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\nHost: h\n\n", "HEAD / HTTP/1.0\r\n\r\n"]) func everySplit(
        _ request: String
    ) {
        let bytes = Array((request + request).utf8)
        for first in 1..<bytes.count {
            let feed = Client()
            var taken = 0
            for end in [first, bytes.count] {
                while case .take(let count) = bytes[taken..<end].withUnsafeBytes({ feed.feed.step($0) }) {
                    taken += count
                    if taken == request.utf8.count {
                        feed.feed.readHead(.none)
                        feed.feed.readEnd()
                    }
                }
            }
            #expect(taken == request.utf8.count, "\(first)")
        }
    }

    @Test func aBodyWithALengthEndsThere() {
        let feed = Client()
        _ = feed.sends(self.get)
        feed.feed.readHead(.length(5))
        #expect(feed.sends("ab") == .take(2))
        #expect(feed.sends("cdeGET /") == .take(3))
        #expect(feed.sends("GET /") == .wait)
    }

    @Test func aChunkedBodyIsPassedOnUpToEachEmptyLine() {
        let feed = Client()
        _ = feed.sends(self.get)
        feed.feed.readHead(.chunked)
        #expect(feed.sends("3\r\nabc\r\n0\r\n\r\nGET /") == .take(13))
        feed.feed.readEnd()
        #expect(feed.sends("GET /") == .wait)
    }

    @Test func littleOfABodyIsPassedOnBeforeItIsWanted() {
        let limit = CodecFeed.unaskedBodyBytes
        for framing in [CodecFeed.BodyFraming.length(10 * limit), .chunked] {
            let feed = Client()
            _ = feed.sends(self.get)
            feed.feed.readHead(framing)
            #expect(feed.sends(String(repeating: "x", count: limit - 1)) == .take(limit - 1))
            #expect(!feed.feed.isServiceDue)
            #expect(feed.sends("xx") == .take(1))
            #expect(feed.feed.isServiceDue, "the client has done its part")
            #expect(feed.sends("x") == .wait)
            feed.feed.bodyWanted()
            #expect(!feed.feed.isServiceDue)
            #expect(feed.sends(String(repeating: "x", count: 2 * limit)) == .take(2 * limit))
        }
    }

    @Test func emptyLinesBeforeARequestGoOn() {
        let feed = Client()
        #expect(feed.sends("\r\n\r\nGET") == .take(4))
        #expect(feed.feed.isBetweenRequests)
        #expect(feed.sends("GET") == .wait)
    }

    @Test(arguments: [
        "GET  / HTTP/1.1\r\n", " GET / HTTP/1.1\r\n", "GET /  HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", "GET\t/ HTTP/1.1\r\n", "GET /\r\n", "GET\r\n",
        "GET / HTTP/1.1\rX\r\n", "\u{16}\u{3}\u{1}", "GET /\u{0} HTTP/1.1\r\n", "{}\r\n", "GET / \r\n",
    ]) func whatIsNoRequestLineIsRefused(_ line: String) {
        let feed = Client()
        #expect(feed.sends(line) == .malformed)
    }

    @Test func aHeadMayHaveItsBoundAndNoByteMore() {
        for (bound, step) in [(self.get.utf8.count, CodecFeed.Step.take(self.get.utf8.count)), (self.get.utf8.count - 1, .headTooLarge)] {
            let feed = Client(maximumHeadBytes: bound)
            #expect(feed.sends(self.get) == step)
            let slow = Client(maximumHeadBytes: bound)
            #expect(slow.sends("GET / HTTP/1.1\r\n") == .take(16))
            #expect(slow.sends("Host: h\r\n\r\n") == (bound == self.get.utf8.count ? .take(11) : .headTooLarge))
        }
        let endless = Client(maximumHeadBytes: 100)
        #expect(endless.sends("GET /" + String(repeating: "x", count: 95)) == .wait)
        #expect(endless.sends("GET /" + String(repeating: "x", count: 96)) == .headTooLarge)
    }

    @Test func knowsRequestsForAHeadAlone() {
        for (method, isHead) in [("HEAD", true), ("GET", false), ("HEADER", false)] {
            let feed = Client(maximumHeadBytes: 100)
            _ = feed.sends("\(method) / HTTP/1.1\r\nHost : h\r\n")
            #expect(feed.feed.isHeadRequest == isHead)
        }
    }
}
