import Foundation
import TestSupport
import Testing

/// What RFC 9112 asks of requests that are none, or that two parsers could read differently: with the fast lane and without.
///
/// Each is followed by a request that must not be answered if the first one ended the connection: what an attacker smuggles behind a request that
/// somebody in between framed differently.
@Suite(.timeLimit(.minutes(5))) struct HTTPRobustnessTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let status: Int
        /// Whether the connection ends with the answer.
        let closes: Bool

        var testDescription: String { self.name }

        init(_ name: String, _ text: String, _ status: Int, closes: Bool = true) {
            self.init(name, bytes: Array(text.utf8), status, closes: closes)
        }

        init(_ name: String, bytes: [UInt8], _ status: Int, closes: Bool = true) {
            self.name = name
            self.bytes = bytes
            self.status = status
            self.closes = closes
        }
    }

    private static func post(_ fields: String, _ body: String) -> String { "POST /cache HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\r\n\(body)" }
    private static func chunked(_ body: String) -> String { self.post("Transfer-Encoding: chunked", body) }
    private static func get(_ target: String, _ rest: String = "HTTP/1.1\r\nHost: h") -> String { "GET \(target) \(rest)\r\n\r\n" }
    private static func field(_ line: String) -> String { "GET /cache/k HTTP/1.1\r\nHost: h\r\n\(line)\r\n\r\n" }

    /// RFC 9112, section 6.3: the length of a body.
    static let framing = [
        Case("both lengths", post("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400),
        Case("both lengths, the other way round", post("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n"), 400),
        Case("two lengths", post("Content-Length: 2\r\nContent-Length: 3", "{}x"), 400),
        Case("the same length twice", post("Content-Length: 2\r\nContent-Length: 2", "{}"), 400),
        Case("a list of lengths", post("Content-Length: 2, 2", "{}"), 400), Case("a signed length", post("Content-Length: +2", "{}"), 400),
        Case("a negative length", post("Content-Length: -2", "{}"), 400), Case("a hexadecimal length", post("Content-Length: 0x2", "{}"), 400),
        Case("a length beyond all numbers", post("Content-Length: 99999999999999999999999", "{}"), 400),
        Case("an empty length", post("Content-Length:", "{}"), 400), Case("a length with a space", post("Content-Length: 2 2", "{}"), 400),
        Case("an unknown transfer coding", post("Transfer-Encoding: identity", ""), 501),
        Case("a coding behind chunked", post("Transfer-Encoding: chunked, identity", "0\r\n\r\n"), 400),
        Case("a coding before chunked", post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), 501),
        Case("nearly chunked", post("Transfer-Encoding: xchunked", "0\r\n\r\n"), 501),
        Case("chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400),
        Case("a space before the colon of a coding", post("Transfer-Encoding : chunked", "0\r\n\r\n"), 400),
        Case("a coding in HTTP/1.0", "POST /cache HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        Case("a chunk with bare line feeds", chunked("2\n{}\n0\n\n"), 400), Case("a negative chunk", chunked("-2\r\n{}\r\n0\r\n\r\n"), 400),
        Case("a chunk beyond all numbers", chunked("fffffffffffffffff\r\n{}\r\n0\r\n\r\n"), 400),
        Case("a chunk with a prefix", chunked("0x2\r\n{}\r\n0\r\n\r\n"), 400), Case("a chunk with a space", chunked("2 \r\n{}\r\n0\r\n\r\n"), 400),
        Case("a chunk longer than it says", chunked("1\r\n{}\r\n0\r\n\r\n"), 400),
        Case("a length in the trailer", chunked("2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n"), 400),
    ]

    /// RFC 9112, sections 2.2 and 5: lines and fields.
    static let lines = [
        Case("a folded field", field("X-A: 1\r\n 2"), 400),
        Case("a field that begins folded", "GET /cache/k HTTP/1.1\r\n X-A: 1\r\nHost: h\r\n\r\n", 400),
        Case("bare line feeds", "GET /cache/k HTTP/1.1\nHost: h\n\n", 400),
        Case("one bare line feed", "GET /cache/k HTTP/1.1\r\nHost: h\nX: 1\r\n\r\n", 400),
        Case("a bare carriage return", field("X: a\rb"), 400), Case("a space before the colon", "GET /cache/k HTTP/1.1\r\nHost : h\r\n\r\n", 400),
        Case("no colon", field("X"), 400), Case("no name", field(": x"), 400), Case("a null byte in a value", field("X: a\0b"), 400),
        Case("a null byte in a name", field("X\0: a"), 400), Case("a delete character in a value", field("X: a\u{7f}b"), 400),
        Case("a name with a parenthesis", field("X(: a"), 400), Case("a space before the method", " " + get("/cache/k"), 400),
        Case("tabs between the parts", "GET\t/cache/k\tHTTP/1.1\r\nHost: h\r\n\r\n", 400),
        Case("two spaces", "GET  /cache/none HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        Case("two spaces before the version", "GET /cache/none  HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        Case("a method in lower case", "get /cache/k HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        Case("a method that nobody has", "BREW /cache/k HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        Case("line ends before a request", "\r\n\r\n" + get("/cache/none"), 404, closes: false),
        Case(
            "bytes beyond ASCII in a value", bytes: Array("GET /cache/none HTTP/1.1\r\nHost: h\r\nX: ".utf8) + [0xff, 0xfe] + Array("\r\n\r\n".utf8),
            404, closes: false),
    ]

    /// RFC 9112, sections 2.3, 3.2 and 3.3: versions, targets, hosts.
    static let targets = [
        Case("absolute form", get("http://h/cache/none"), 404, closes: false),
        Case("absolute form of a key", get("http://h/cache?key=none"), 404, closes: false),
        Case("absolute form without a path", get("http://h"), 200, closes: false),
        Case("absolute form in capitals", get("HTTP://h/health/live"), 200, closes: false),
        Case("absolute form of another scheme", get("ftp://h/health/live"), 400), Case("authority form", get("h:80"), 400),
        Case("an asterisk for GET", get("*"), 400), Case("a tunnel", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", 404),
        Case("an asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 404, closes: false),
        Case("no slash", get("cache/k"), 400), Case("a null byte in the target", get("/cache/k\0"), 400),
        Case("a control character in the target", get("/cache/k\u{1}"), 400),
        Case("a space in the target", get("/cache/a b"), 400), Case("beyond ASCII in the target", get("/cache/é"), 400),
        Case("dots above", get("/cache/../health/live"), 404, closes: false),
        Case("encoded dots above", get("/cache/%2e%2e/health/live"), 404, closes: false),
        Case("two slashes", get("//health/live"), 404, closes: false), Case("no host", get("/cache/k", "HTTP/1.1"), 400),
        Case("two hosts", get("/cache/k", "HTTP/1.1\r\nHost: a\r\nHost: b"), 400), Case("an empty host", get("/cache/k", "HTTP/1.1\r\nHost:"), 400),
        Case("a host with a space", get("/cache/k", "HTTP/1.1\r\nHost: a b"), 400),
        Case("a host with a path", get("/cache/k", "HTTP/1.1\r\nHost: a/b"), 400),
        Case("a host with a user", get("/cache/k", "HTTP/1.1\r\nHost: u@a"), 400),
        Case("a list of hosts", get("/cache/k", "HTTP/1.1\r\nHost: a, b"), 400),
        Case("HTTP/1.0 without a host", get("/cache/none", "HTTP/1.0"), 404), Case("a later version", get("/cache/k", "HTTP/1.2\r\nHost: h"), 400),
        Case("HTTP/2 by name", get("/cache/k", "HTTP/2.0\r\nHost: h"), 400), Case("HTTP/0.9", "GET /cache/k\r\n\r\n", 400),
        Case("a version in lower case", get("/cache/k", "http/1.1\r\nHost: h"), 400),
        Case("half of the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n", 400),
        Case("an upgrade", field("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), 404),
        Case("the beginning of TLS", bytes: [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] + Array(repeating: 0x41, count: 200), 400),
    ]

    private static let smuggled = #"{"key":"smuggled","value":1}"#

    @Test(arguments: framing + lines + targets) func isAnsweredAsItShould(_ request: Case) async throws {
        for lane in ["on", "off"] {
            try await AgentProcess.with(["FAST_LANE": lane]) { agent in
                try await WireClient.connect(port: agent.port) { connection in
                    try await connection.send(request.bytes + Array(Request.post("/cache", Self.smuggled).utf8))
                    let answer = try await connection.response()
                    #expect(answer.status == request.status, "lane \(lane): \(answer.text)")
                    #expect((answer["connection"] == "close") == request.closes, "lane \(lane)")
                    if request.closes {
                        let isClosed = try await connection.isClosed()
                        #expect(isClosed, "lane \(lane)")
                    } else {
                        let next = try await connection.response()
                        #expect(next.status == 200, "lane \(lane)")
                    }
                }
                let probe = try await agent.ask(Request.get("/cache/smuggled"))
                #expect(probe.status == (request.closes ? 404 : 200), "lane \(lane)")
            }
        }
    }

    /// RFC 9110, sections 9.3.2, 15.3.5 and 15.4.5: no body if there is none.
    @Test func headHasNoBody() async throws {
        try await AgentProcess.with { agent in
            _ = try await agent.ask(Request.post("/cache", #"{"key":"k","value":"v"}"#))
            for target in ["/cache/k", "/cache/none", "/health", "/metrics", "/docs", "/nothing"] {
                try await WireClient.connect(port: agent.port) { connection in
                    try await connection.send(Request.head("HEAD", target) + "\r\n" + Request.get("/health/live"))
                    let head = try await connection.response(toHead: true)
                    #expect(Int(head["content-length"] ?? "") ?? 0 > 0, "\(target)")
                    let next = try await connection.response()
                    #expect(next.text == #"{"status":"alive"}"#, "\(target)")
                }
            }
        }
    }

    /// Nor if the request is malformed.
    @Test(arguments: ["HEAD /cache/k HTTP/1.1\r\nHost : h\r\n\r\n", "HEAD /cache/k HTTP/1.1\r\n\r\n", "HEAD /cache/k HTTP/1.1\r\nHost: a/b\r\n\r\n"])
    func malformedHeadHasNoBody(_ request: String) async throws {
        for lane in ["on", "off"] {
            try await AgentProcess.with(["FAST_LANE": lane]) { agent in
                try await WireClient.connect(port: agent.port) { connection in
                    try await connection.send(request)
                    let answer = try await connection.response(toHead: true)
                    #expect(answer.status == 400)
                    #expect(try await connection.isClosed())
                }
            }
        }
    }

    /// Whatever a key holds, it stands in no header, and in a body only as JSON.
    @Test(arguments: ["a%0D%0ASet-Cookie:%20x=1", "a%00b", "%22%7D", "%E2%80%AE", "%0A", "..%2F..%2Fetc", "%C0%AE", "a%0d%0a%0d%0aHTTP/1.1%20200"])
    func keysInjectNothing(_ key: String) async throws {
        for lane in ["on", "off"] {
            try await AgentProcess.with(["FAST_LANE": lane]) { agent in
                for request in [Request.get("/cache/\(key)"), Request.get("/cache?key=\(key)"), Request.delete("/cache/\(key)")] {
                    let answer = try await agent.ask(request)
                    #expect([404, 422].contains(answer.status))
                    #expect(answer["set-cookie"] == nil)
                    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(answer.body)) }
                }
            }
        }
    }
}
