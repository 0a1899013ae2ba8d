import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestSupport
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// The feed before the real codec: whatever clients send, however it is cut, the codec never reads a second request before the first is answered.
@Suite struct CodecFeedPropertyTests {
    private final class RequestCounter: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        var feed: CodecFeed
        /// Requests whose end has been read.
        var complete = 0
        /// Heads that came while another request was complete and not answered.
        var early = 0
        var isBroken = false

        init(_ feed: CodecFeed) { self.feed = feed }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                if self.feed.isAnswering { self.early += 1 }
                self.feed.readHead(RequestHeadRules.framing(head))
            case .body: break
            case .end:
                self.complete += 1
                self.feed.readEnd()
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { self.isBroken = true }
    }

    private static let requests = [
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "\r\nDELETE / HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n\n\r\n\r\n\nx", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\r\n\r\nx\r\n3\r\n\n\n\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
    ]

    /// - Parameter noise: how many bytes are changed into others.
    private func run(seed: UInt64, noise: Int) throws -> (sent: Int, complete: Int, early: Int, isBroken: Bool) {
        var random = SplitMix64(seed: seed)
        let sent = Int.random(in: 1...6, using: &random)
        var bytes = (0..<sent).flatMap { _ in Array((Self.requests.randomElement(using: &random) ?? "").utf8) }
        for _ in 0..<noise { bytes[Int.random(in: 0..<bytes.count, using: &random)] = "\r\n: a0".utf8.randomElement(using: &random) ?? 0 }
        let counter = RequestCounter(CodecFeed(maximumHeadBytes: 1000))
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandlers([ByteToMessageHandler(HTTPRequestDecoder()), counter])
        var input: [UInt8] = []
        while !bytes.isEmpty || counter.feed.isAnswering {
            let count = min(bytes.count, Int.random(in: 1...40, using: &random))
            input += bytes.prefix(count)
            bytes.removeFirst(count)
            while !counter.isBroken, case .take(let taken) = input.withUnsafeBytes({ counter.feed.step($0) }) {
                // Refused by the decoder: `isBroken` says so.
                _ = try? channel.writeInbound(ByteBuffer(bytes: input.prefix(taken)))
                input.removeFirst(taken)
            }
            if counter.isBroken { break }
            if counter.feed.isAnswering, Bool.random(using: &random) || bytes.isEmpty {
                counter.feed.answerWritten()
                counter.feed.nextRequest()
                while case .take(let taken) = input.withUnsafeBytes({ counter.feed.step($0) }) {
                    _ = try? channel.writeInbound(ByteBuffer(bytes: input.prefix(taken)))
                    input.removeFirst(taken)
                    if counter.isBroken { break }
                }
            }
        }
        _ = try? channel.finish()
        return (sent, counter.complete, counter.early, counter.isBroken)
    }

    @Test func everyRequestIsReadInItsTurn() throws {
        for seed in 0..<2000 {
            let result = try self.run(seed: UInt64(seed), noise: 0)
            #expect(result.complete == result.sent, "seed \(seed)")
            #expect(result.early == 0 && !result.isBroken, "seed \(seed)")
        }
    }

    @Test func noneIsReadBeforeItsTurnWhateverComes() throws {
        for seed in 0..<4000 {
            let result = try self.run(seed: UInt64(seed), noise: 1 + seed % 4)
            #expect(result.early == 0, "seed \(seed)")
        }
    }
}
