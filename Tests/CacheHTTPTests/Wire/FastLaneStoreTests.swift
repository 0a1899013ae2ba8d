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
    private let counters = OperationCounters()

    init() throws {
        let settings = HTTPSettings()
        let scope = EventLoopScope(
            cache: ValueResolver(self.store), counters: self.counters, settings: settings, accessLog: nil, access: nil,
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

    /// What the client has already is not sent again.
    @Test(arguments: ["/cache/a", "/values/a"]) func whatTheClientHas(_ target: String) throws {
        let value = CachedValue.buffer(ByteBuffer(string: "[1]"))
        let tag = EntityTag(value).text
        self.store.answerAtOnce = { _ in .hit(value, remainingMilliseconds: 57_000, .near) }
        for condition in ["*", tag, "W/\(tag), \"x\""] {
            #expect(
                try self.answer(to: "GET \(target) HTTP/1.1\r\nHost: cache\r\nIf-None-Match: \(condition)\r\n\r\n") == """
                    HTTP/1.1 304 Not Modified
                    Cache-Status: redis-caching-agent; hit; ttl=57; detail=near
                    Cache-Control: private, no-cache
                    ETag: \(tag)


                    """)
        }
        #expect(self.counters.snapshot.count(.get, .near, .hit) == 3)
    }

    @Test func theValueItself() throws {
        let value = CachedValue.buffer(ByteBuffer(string: "[1]"))
        self.store.answerAtOnce = { $0 == "GET a" ? .hit(value, remainingMilliseconds: nil, .near) : .miss(.near) }
        #expect(
            try self.answer(to: "GET /values/a HTTP/1.1\r\nHost: cache\r\n\r\n") == """
                HTTP/1.1 200 OK
                Content-Type: application/json
                Content-Length: 3
                Cache-Status: redis-caching-agent; hit; detail=near
                Cache-Control: private, no-cache
                ETag: \(EntityTag(value).text)
                Accept-Ranges: none
                Content-Security-Policy: sandbox; default-src 'none'
                X-Content-Type-Options: nosniff

                [1]
                """)
        try self.send("GET /values/b HTTP/1.1\r\nHost: cache\r\n\r\n")
        #expect(try self.statuses() == ["404"])
    }

    /// The bytes of an answer from a copy, whatever condition the client states; the fields that differ from run to run are left out.
    @Test(arguments: ["", "If-None-Match: \"x\"\r\n", "If-Modified-Since: Tue, 15 Nov 1994 12:45:26 GMT\r\n"])
    func answersFromCopies(_ condition: String) throws {
        let value = CachedValue.buffer(ByteBuffer(string: "[1]"))
        self.store.answerAtOnce = { $0 == "GET a" ? .hit(value, remainingMilliseconds: 57_000, .near) : .miss(.near) }
        #expect(
            try self.answer(to: "GET /cache/a HTTP/1.1\r\nHost: cache\r\n\(condition)\r\n") == """
                HTTP/1.1 200 OK
                Content-Type: application/json
                Content-Length: 38
                Cache-Status: redis-caching-agent; hit; ttl=57; detail=near
                Cache-Control: private, no-cache
                ETag: \(EntityTag(value).text)

                {"success":true,"key":"a","value":[1]}
                """)
        #expect(
            try self.answer(to: "GET /cache/b HTTP/1.1\r\nHost: cache\r\n\(condition)\r\n") == """
                HTTP/1.1 404 Not Found
                Content-Type: application/json
                Content-Length: 26
                Cache-Status: redis-caching-agent; fwd=miss; detail=near
                Cache-Control: private, no-cache

                {"detail":"Key not found"}
                """)
        #expect(self.counters.snapshot.count(.get, .near, .hit) == 1)
        #expect(self.counters.snapshot.count(.get, .near, .miss) == 1)
        #expect(self.counters.snapshot.count(.near) == 2)
    }

    /// A request that asks for Redis itself stays on the lane, and the store learns what is asked; nothing else of these fields does.
    @Test(arguments: [
        ("Cache-Control: no-cache\r\n", "GET k, no copy"), ("cache-control: no-store\r\nCACHE-CONTROL: x, MAX-AGE=\"0\"\r\n", "GET k, no copy"),
        ("Pragma: no-cache\r\n", "GET k, no copy"), ("Pragma: no-cache\r\nCache-Control: no-store\r\n", "GET k"),
        ("Cache-Control: max-age=10\r\n", "GET k"), ("Cache-Control:\r\n", "GET k"), ("", "GET k"),
    ])
    func theStoreLearnsWhetherACopyWillDo(_ fields: String, _ operation: String) throws {
        try self.send("GET /cache/k HTTP/1.1\r\nHost: cache\r\n\(fields)\r\n")
        #expect(self.store.operations == [operation])
        // What one request asks says nothing about the next one of its connection.
        self.store.answer(.miss(.redis))
        try self.send("GET /cache/k HTTP/1.1\r\nHost: cache\r\n\r\nDELETE /cache/k HTTP/1.1\r\nHost: cache\r\n\(fields)\r\n")
        self.store.answer(.miss(.redis))
        #expect(self.store.operations == [operation, "GET k", "DELETE k"])
    }

    private func answer(to request: String) throws -> String {
        try self.send(request)
        var text = ""
        while let answer = try self.channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: answer) }
        return text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
            .filter { line in !["X-Request-Id: ", "X-Process-Time: ", "Date: "].contains { line.hasPrefix($0) } }
            .joined(separator: "\n")
    }
}
