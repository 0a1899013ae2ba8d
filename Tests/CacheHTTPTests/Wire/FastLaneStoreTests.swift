import Cache
import CacheTestSupport
import NIOCore
import NIOEmbedded
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// The lane over a store that answers as the test says, without a server.
@Suite struct FastLaneStoreTests {
    private let store = FakeStore()
    private let channel = EmbeddedChannel()

    init() throws {
        let settings = HTTPSettings()
        let scope = EventLoopScope(
            cache: self.store, counters: OperationCounters(), settings: settings, accessLog: nil, access: nil,
            limiter: Limiter(settings.serviceLimits), eventLoopCount: 1)
        try self.channel.pipeline.syncOperations.addHandler(scope.makeFastLane())
    }

    private func send(_ text: String) throws { try self.channel.writeInbound(ByteBuffer(string: text)) }

    /// The status codes of the answers since the last call.
    private func statuses() throws -> [String] {
        var text = ""
        while let answer = try self.channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: answer) }
        return text.split(separator: "HTTP/1.1 ").map { String($0.prefix(3)) }
    }

    @Test func anAnswerAtOnceLeavesAtOnce() throws {
        self.store.answerAtOnce = { _ in .miss(.memory) }
        try self.send("GET /cache/a HTTP/1.1\r\nHost: cache\r\n\r\nDELETE /cache/b HTTP/1.1\r\nHost: cache\r\n\r\n")
        #expect(self.store.operations == ["GET a", "DELETE b"])
        #expect(try self.statuses() == ["404", "404"])
    }

    /// Answers leave in the order of the requests: while the store owes one, the next request of the connection waits.
    @Test func aRequestWaitsForTheAnswerBeforeIt() throws {
        try self.send("GET /cache/a HTTP/1.1\r\nHost: cache\r\n\r\nGET /cache/b HTTP/1.1\r\nHost: cache\r\n\r\n")
        #expect(self.store.waitingOperations == ["GET a"])
        #expect(try self.statuses() == [])
        self.store.answer(.hit(.buffer(ByteBuffer(string: "1")), remainingMilliseconds: nil, .redis))
        #expect(try self.statuses() == ["200"])
        #expect(self.store.waitingOperations == ["GET b"])
        self.store.answer(.miss(.redis))
        #expect(try self.statuses() == ["404"])
    }
}
