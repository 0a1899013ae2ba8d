import Testing

@testable import CacheAPI
@testable import HTTPWire

/// The recogniser accepts exactly the canonical form, and needs no more and no fewer bytes than the request has.
@Suite struct RequestRecogniserTests {
    private let recogniser = RequestRecogniser(maximumHeadBytes: 1024, maximumBodyBytes: 100)

    private func recognise(_ text: String) -> Recognition {
        Array(text.utf8).withUnsafeBytes { self.recogniser.recognise($0) }
    }

    private func get(_ target: String = "/cache/k", _ fields: String = "", host: String = "Host: h\r\n") -> Recognition {
        self.recognise("GET \(target) HTTP/1.1\r\n\(host)\(fields)\r\n")
    }

    @Test func keyRequests() {
        let text = "GET /cache/k1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: id\r\n\r\n"
        let request = KeyRequest(
            method: .get, key: TargetKey(range: 11..<13, isEncoded: false), body: text.utf8.count..<text.utf8.count, requestID: 47..<49)
        #expect(self.recognise(text) == .key(request))
        let post = "POST /cache HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"
        let expected = KeyRequest(method: .post, key: .empty, body: (post.utf8.count - 2)..<post.utf8.count, requestID: nil)
        #expect(self.recognise(post) == .key(expected))
        #expect(self.recognise(String(post.dropLast(2))) == .key(expected), "the body need not be there yet")
    }

    @Test func batches() {
        func recognise(_ method: String, _ target: String, _ length: Int) -> Recognition {
            self.recognise("\(method) \(target) HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\n")
        }
        guard case .key(let request) = recognise("POST", "/cache/batch", 100) else { return _ = Issue.record("not recognised") }
        #expect(request.isBatch && request.method == .post && request.key == .empty && request.body.count == 100)
        for other in [
            recognise("POST", "/cache/batch", 101), recognise("POST", "/cache/%62atch", 1), recognise("POST", "/cache/batch/", 1),
            recognise("POST", "/cache/batch?x", 1), recognise("POST", "/cache/batches", 1), recognise("GET", "/cache/batch", 0),
            recognise("DELETE", "/cache/batch", 0), self.recognise("POST /cache/batch HTTP/1.1\r\nHost: h\r\n\r\n"),
        ] {
            guard case .other = other else { return _ = Issue.record("\(other)") }
        }
    }

    /// Every proper prefix of a head is incomplete, never something else.
    @Test(arguments: [
        "GET /cache/k%41 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n", "POST /cache HTTP/1.1\r\nHost: h:80\r\ncontent-length: 12\r\n\r\n",
        "DELETE /cache/x HTTP/1.1\r\nHost: [::1]:8080\r\nX-Tab: \ta\t\r\n\r\n",
    ]) func prefixesAreIncomplete(_ head: String) {
        let bytes = Array(head.utf8)
        for count in 0..<bytes.count {
            #expect(bytes[..<count].withUnsafeBytes { self.recogniser.recognise($0) } == .incompleteHead, "\(count) bytes")
        }
        guard case .key = self.recognise(head) else {
            Issue.record("not recognised: \(head)")
            return
        }
    }

    @Test(arguments: [
        "/cache/stats", "/cache/invalidate", "/cache/.", "/cache/..", "/cache/", "/cache/a/b", "/cache/a?b=c", "/cache/%4", "/cache/%zz", "/cache",
        "/cache/a\"b", "/cache/a{b}", "/health", "/", "/cachex/k",
    ]) func targetsForTheRouter(_ target: String) {
        guard case .other = self.get(target) else {
            Issue.record("\(target) is \(self.get(target))")
            return
        }
    }

    @Test(arguments: [
        "Transfer-Encoding: chunked\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: +1\r\n", "Content-Length: 1, 1\r\n",
        "Content-Length: 0x1\r\n", "Content-Length:\r\n", "Content-Length: 9999999999999\r\n", "Expect: 100-continue\r\n", "Upgrade: h2c\r\n",
        "Connection: close\r\n", "Connection: keep-alive, upgrade\r\n", "TE: trailers\r\n", "Trailer: x\r\n", "HTTP2-Settings: x\r\n",
        "Proxy-Connection: keep-alive\r\n", "Host: second\r\n", "X : space before colon\r\n", " folded: x\r\n", "X: a\r\n folded\r\n",
        "X: bare\nlf\r\n",
        "X: nul\u{0}\r\n", "X: del\u{7f}\r\n", "X: é\r\n", "no colon\r\n", ": empty name\r\n", "X: cr\rx\r\n", "tRaNsFeR-eNcOdInG: identity\r\n",
    ]) func fieldsThatAreNotJudged(_ fields: String) {
        #expect(self.get("/cache/k", fields) == .notFramable)
    }

    @Test(arguments: ["", "Host:\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: a@b\r\n"]) func hosts(_ host: String) {
        #expect(self.get(host: host) == .notFramable)
    }

    @Test(arguments: [
        "GET  /cache/k HTTP/1.1\r\nHost: h\r\n\r\n", "get /cache/k HTTP/1.1\r\nHost: h\r\n\r\n", "GET /cache/k HTTP/1.0\r\nHost: h\r\n\r\n",
        "GET /cache/k HTTP/1.1\nHost: h\n\n", "GET http://h/cache/k HTTP/1.1\r\nHost: h\r\n\r\n", "\r\nGET /cache/k HTTP/1.1\r\nHost: h\r\n\r\n",
        "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /cache/\u{1} HTTP/1.1\r\n\r\n",
        "GET /caché HTTP/1.1\r\nHost: h\r\n\r\n", "GET /cache/k\tHTTP/1.1\r\nHost: h\r\n\r\n",
    ]) func requestLinesThatAreNotJudged(_ text: String) {
        #expect(self.recognise(text) == .notFramable)
    }

    @Test func bodies() {
        #expect(self.get("/cache/k", "Content-Length: 0\r\n") != .notFramable)
        guard case .other = self.get("/cache/k", "Content-Length: 5\r\n") else {
            Issue.record("a get with a body is the router's")
            return
        }
        guard case .other = self.recognise("POST /cache HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n") else {
            Issue.record("a body over the limit is the router's to refuse")
            return
        }
        guard case .other = self.recognise("POST /cache HTTP/1.1\r\nHost: h\r\n\r\n") else {
            Issue.record("a post without a length is the router's")
            return
        }
    }

    @Test func encodedBodiesAreTheRoutersToRefuse() {
        guard case .other = self.recognise("POST /cache HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx") else {
            Issue.record("an encoded body is the router's")
            return
        }
    }

    @Test func bounds() {
        let room = 1024 - "GET /cache/k HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n".utf8.count
        guard case .key = self.get("/cache/k", "X: \(String(repeating: "v", count: room))\r\n") else {
            Issue.record("a head of exactly the limit is recognised")
            return
        }
        #expect(self.get("/cache/k", "X: \(String(repeating: "v", count: room + 1))\r\n") == .notFramable)
        #expect(self.recognise("GET /" + String(repeating: "x", count: 2000)) == .notFramable, "an endless head is given up")
        #expect(self.get("/cache/k", (0..<101).map { "a\($0):\r\n" }.joined()) == .notFramable)
    }
}
