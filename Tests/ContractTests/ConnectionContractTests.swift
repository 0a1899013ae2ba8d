import NIOCore
import TestSupport
import Testing

/// The rules of a connection: order, keep-alive, closing, expectations, limits, clients that break off.
@Suite(.timeLimit(.minutes(5))) struct ConnectionContractTests {
    @Test(arguments: Store.available) func pipelinedRequestsAreAnsweredInOrder(_ store: Store) async throws {
        try await store.withAgent { agent in
            try await WireClient.connect(port: agent.port) { connection in
                var requests = ""
                for number in 0..<50 {
                    requests += Request.post("/cache", #"{"key":"k\#(number)","value":\#(number)}"#)
                    requests += Request.get("/cache/k\(number)")
                    if number % 7 == 0 { requests += Request.get("/health/live") }
                    if number % 11 == 0 { requests += Request.get("/cache?key=k\(number)") }
                }
                try await connection.send(requests)
                for number in 0..<50 {
                    #expect(try await connection.response().text.contains("\"key\":\"k\(number)\",\"message\""))
                    #expect(try await connection.response().text == #"{"success":true,"key":"k\#(number)","value":\#(number)}"#)
                    if number % 7 == 0 { #expect(try await connection.response().text == #"{"status":"alive"}"#) }
                    if number % 11 == 0 { #expect(try await connection.response().text.hasSuffix("\"value\":\(number)}")) }
                }
            }
        }
    }

    @Test(arguments: ["/cache/k", "/health/live"]) func connectionCloseIsHonoured(_ target: String) async throws {
        try await AgentProcess.with { agent in
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.get(target, ["Connection: close"]) + Request.get(target))
                #expect(try await connection.response()["connection"] == "close")
                #expect(try await connection.isClosed())
            }
        }
    }

    @Test func http10ClosesByDefault() async throws {
        try await AgentProcess.with { agent in
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send("GET /health/live HTTP/1.0\r\n\r\n")
                #expect(try await connection.response().status == 200)
                #expect(try await connection.isClosed())
            }
        }
    }

    /// RFC 9112, section 9.3: a client of HTTP/1.0 that asks for it is told that the connection stays.
    @Test(arguments: ["on", "off"]) func http10KeepsAliveIfAsked(_ lane: String) async throws {
        try await AgentProcess.with(["FAST_LANE": lane]) { agent in
            try await WireClient.connect(port: agent.port) { connection in
                for target in ["/health/live", "/cache/none", "/health"] {
                    try await connection.send("GET \(target) HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                    #expect(try await connection.response()["connection"] == "keep-alive")
                }
                try await connection.send("GET /health/live HTTP/1.0\r\n\r\n")
                #expect(try await connection.response()["connection"] == "close")
                #expect(try await connection.isClosed())
            }
        }
    }

    /// A request without a body, or whose body is there, gets no leave to send one.
    @Test(arguments: ["on", "off"]) func noContinueWithoutABody(_ lane: String) async throws {
        try await AgentProcess.with(["FAST_LANE": lane]) { agent in
            let body = #"{"key":"k","value":1}"#
            for (request, status) in [
                (Request.get("/cache/none", ["Expect: 100-continue"]), 404), (Request.delete("/cache/none", ["Expect: 100-continue"]), 404),
                (Request.head("POST", "/cache", ["Content-Length: 0", "Expect: 100-continue"]) + "\r\n", 422),
                (Request.post("/cache", body, ["Expect: 100-continue"]), 200),
            ] {
                let answer = try await agent.ask(request)
                #expect(answer.status == status)
            }
        }
    }

    @Test(arguments: ["on", "off"]) func encodedBodiesAreRefused(_ lane: String) async throws {
        try await AgentProcess.with(["FAST_LANE": lane]) { agent in
            for target in ["/cache", "/cache/invalidate"] {
                let refused = try await agent.ask(Request.post(target, "{}", ["Content-Encoding: gzip"]))
                #expect(refused.status == 415 && refused["accept-encoding"] == "identity")
                #expect(refused.text == #"{"detail":"Encoded request bodies are not supported"}"#)
            }
            let identity = Request.post("/cache", #"{"key":"k","value":1}"#, ["Content-Encoding: identity"])
            #expect(try await agent.ask(identity).status == 200)
        }
    }

    @Test func expectContinue() async throws {
        let body = #"{"key":"k","value":1}"#
        try await AgentProcess.with { agent in
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.head("POST", "/cache", ["Content-Length: \(body.utf8.count)", "Expect: 100-continue"]) + "\r\n")
                #expect(try await connection.response().status == 100)
                try await connection.send(body)
                #expect(try await connection.response().status == 200)
                try await connection.send(Request.get("/cache/k"))
                #expect(try await connection.response().status == 200)
            }
            // Behind a request that still has no answer, the interim answer waits for its turn.
            try await WireClient.connect(port: agent.port) { connection in
                let chunked = Request.head("POST", "/cache", ["Transfer-Encoding: chunked"]) + "\r\n15\r\n\(body)\r\n0\r\n\r\n"
                try await connection.send(
                    chunked + Request.head("POST", "/cache", ["Content-Length: \(body.utf8.count)", "Expect: 100-continue"]) + "\r\n")
                #expect(try await connection.response().status == 200)
                #expect(try await connection.response().status == 100)
                try await connection.send(body)
                #expect(try await connection.response().status == 200)
            }
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.head("POST", "/cache", ["Content-Length: 99999999", "Expect: 100-continue"]) + "\r\n")
                let refused = try await connection.response()
                #expect(refused.status == 413)
                #expect(refused["connection"] == "close")
                #expect(try await connection.isClosed())
            }
        }
    }

    @Test func bodiesOverTheLimit() async throws {
        try await AgentProcess.with(["VALUE_MAX_BYTES": "1000"]) { agent in
            let limit = 1000 + 64 * 1024
            let atLimit = #"{"key":"k","value":1}"# + String(repeating: " ", count: limit - 21)
            #expect(try await agent.ask(Request.post("/cache", atLimit)).status == 200)
            for body in [atLimit + " ", String(repeating: " ", count: limit * 4)] {
                let refused = try await agent.ask(Request.post("/cache", body))
                #expect(refused.status == 413)
                #expect(refused.text == #"{"detail":"Request body too large"}"#)
            }
            // Chunked, so that the length is not known beforehand.
            for (body, status) in [(atLimit, 200), (atLimit + " ", 413)] {
                try await WireClient.connect(port: agent.port) { connection in
                    try await connection.send(Request.head("POST", "/cache", ["Transfer-Encoding: chunked"]) + "\r\n")
                    try await connection.send(String(body.utf8.count, radix: 16) + "\r\n" + body + "\r\n0\r\n\r\n")
                    let answer = try await connection.response()
                    #expect(answer.status == status, "\(body.utf8.count)")
                }
            }
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.head("POST", "/cache", ["Transfer-Encoding: chunked"]) + "\r\n")
                let chunk = "8000\r\n" + String(repeating: " ", count: 0x8000) + "\r\n"
                try await connection.send(chunk + chunk + chunk)
                #expect(try await connection.response().status == 413)
            }
        }
    }

    @Test func chunkedBodies() async throws {
        try await AgentProcess.with { agent in
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.head("POST", "/cache", ["Transfer-Encoding: chunked"]) + "\r\n")
                try await connection.send("b\r\n{\"key\":\"k\",\r\na\r\n\"value\":1}\r\n0\r\n\r\n")
                #expect(try await connection.response().status == 200)
                try await connection.send(Request.get("/cache/k"))
                #expect(try await connection.response().status == 200)
            }
        }
    }

    @Test func malformedChunksAreRefused() async throws {
        try await AgentProcess.with { agent in
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.head("POST", "/cache", ["Transfer-Encoding: chunked"]) + "\r\nZZ\r\n")
                let refused = try await connection.response()
                #expect(refused.status == 400)
                #expect(refused.text == #"{"detail":"Invalid HTTP request received"}"#)
                #expect(refused["connection"] == "close")
            }
        }
    }

    /// A client that sends and does not read waits; it cannot make the service keep gigabytes of answers.
    @Test func answersThatNobodyReadsAreBounded() async throws {
        try await AgentProcess.with { agent in
            let value = String(repeating: "x", count: 1_000_000)
            _ = try await agent.ask(Request.post("/cache", #"{"key":"big","value":"\#(value)"}"#))
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(String(repeating: Request.get("/cache/big"), count: 2000))
                for _ in 0..<50 { _ = try await agent.ask(Request.get("/health/live")) }
                #expect(try agent.residentBytes() < 300 << 20)
                for _ in 0..<20 { #expect(try await connection.response().body.count > 1_000_000) }
            }
        }
    }

    /// The bound of what waits for a client holds in both directions of it, and each client that is not read meanwhile is counted.
    @Test(arguments: ["4096", "1048576"]) func clientsThatAreNotReadAreCounted(_ bound: String) async throws {
        try await AgentProcess.with(["UNSENT_MAX_BYTES": bound]) { agent in
            let value = String(repeating: "x", count: 100_000)
            _ = try await agent.ask(Request.post("/cache", #"{"key":"big","value":"\#(value)"}"#))
            #expect(try await agent.metric("cacheagent_http_read_pauses_total") == 0)
            try await WireClient.connect(port: agent.port, receiveBuffer: 4096) { connection in
                try await connection.send(String(repeating: Request.get("/cache/big"), count: 300))
                try await agent.waitForMetric("cacheagent_http_read_pauses_total") { $0 > 0 }
                for _ in 0..<300 { #expect(try await connection.response().body.count > 100_000) }
            }
        }
    }

    @Test func headersOverTheLimit() async throws {
        try await AgentProcess.with { agent in
            for count in [16 * 1024, 200 * 1024] {
                let answer = try await agent.ask(Request.get("/cache/k", ["X-Long: " + String(repeating: "x", count: count)]))
                #expect(answer.status == 431)
                #expect(answer.text == #"{"detail":"Request header fields too large"}"#)
                #expect(answer["connection"] == "close")
            }
        }
        for lane in ["on", "off"] {
            try await AgentProcess.with(["FAST_LANE": lane]) { agent in
                let empty = Request.get("/cache/k", ["X-Long: "])
                for (count, status) in [(16 * 1024, 404), (16 * 1024 + 1, 431)] {
                    let request = Request.get("/cache/k", ["X-Long: " + String(repeating: "x", count: count - empty.utf8.count)])
                    let answer = try await agent.ask(request)
                    #expect(answer.status == status, "\(count)")
                }
            }
        }
    }

    @Test(arguments: [
        "\u{0}\r\n\r\n", "GET\r\n\r\n", "GET /cache/k HTTP/9.9\r\n\r\n", "GET /cache/k HTTP/1.1\r\nHost : x\r\n\r\n", "{}\r\n\r\n",
        "GET /cache/k HTTP/1.1\r\n\r\n", "GET /cache/k HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ])
    func whatIsNoHTTP(_ bytes: String) async throws {
        try await AgentProcess.with { agent in
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(bytes)
                let answer = try await connection.response()
                #expect(answer.status == 400)
                #expect(answer.text == #"{"detail":"Invalid HTTP request received"}"#)
                #expect(try await connection.isClosed())
            }
        }
    }

    /// A client that vanishes, at every byte of a request, leaves a service that answers the next one.
    @Test(arguments: Store.available) func clientsThatVanish(_ store: Store) async throws {
        try await store.withAgent { agent in
            let request = Array(Request.post("/cache", #"{"key":"k","value":1}"#).utf8)
            for count in stride(from: 1, through: request.count, by: 3) {
                try await WireClient.connect(port: agent.port) { connection in
                    try await connection.send(Array(request[..<count]))
                }
            }
            #expect(try await agent.ask(Request.get("/health/live")).status == 200)
        }
    }

    @Test(arguments: Store.available) func halfClosedClientsGetTheirAnswers(_ store: Store) async throws {
        let value = String(repeating: "v", count: 1_000_000)
        try await store.withAgent { agent in
            _ = try await agent.ask(Request.post("/cache", #"{"key":"big","value":"\#(value)"}"#))
            for targets in [
                ["/cache/k"], ["/health/live"], ["/cache/k", "/health/live", "/cache/k"], ["/cache/big", "/cache/big", "/cache?key=big"],
            ] {
                try await WireClient.connect(port: agent.port) { connection in
                    try await connection.send(targets.map { Request.get($0) }.joined())
                    connection.finish()
                    for target in targets {
                        #expect(try await connection.response().status == (target == "/cache/k" ? 404 : 200))
                    }
                    #expect(try await connection.isClosed())
                }
            }
        }
    }

    /// Answers larger than the socket takes at once, each different, with requests for the router between them.
    @Test(arguments: Store.available) func largePipelinedAnswersKeepTheirOrder(_ store: Store) async throws {
        try await store.withAgent { agent in
            try await WireClient.connect(port: agent.port) { connection in
                for number in 0..<6 {
                    let value = String(repeating: "\(number)", count: 70_000 + number)
                    try await connection.send(Request.post("/cache", #"{"key":"k\#(number)","value":"\#(value)"}"#))
                    #expect(try await connection.response().status == 200)
                }
                for _ in 0..<5 {
                    let order = (0..<30).map { $0 % 6 }
                    try await connection.send(order.map { Request.get("/cache/k\($0)") + ($0 == 3 ? Request.get("/health/live") : "") }.joined())
                    for number in order {
                        let answer = try await connection.response()
                        #expect(answer.text.hasPrefix(#"{"success":true,"key":"k\#(number)","value":"\#(number)"#))
                        #expect(answer.body.count == 70_000 + number + 38)
                        if number == 3 { #expect(try await connection.response().text == #"{"status":"alive"}"#) }
                    }
                }
            }
        }
    }

    /// A connection that asks for another protocol gets its answer in this one, and is closed.
    @Test func upgradesAreAnsweredAndClosed() async throws {
        try await AgentProcess.with { agent in
            try await WireClient.connect(port: agent.port) { connection in
                let upgrade = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"]
                try await connection.send(Request.get("/cache/k", upgrade) + Request.get("/cache/k"))
                let answer = try await connection.response()
                #expect(answer.status == 404)
                #expect(answer["connection"] == "close")
                #expect(try await connection.isClosed())
            }
        }
    }

    /// What is no HTTP is refused after the answers to what came before it.
    @Test(arguments: ["on", "off"]) func refusalsKeepTheirPlace(_ lane: String) async throws {
        try await AgentProcess.with(["FAST_LANE": lane]) { agent in
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.get("/cache?key=a") + Request.get("/cache/b") + "GET /cache/c HTTP/1.1\r\n\r\n")
                for status in [404, 404, 400] { #expect(try await connection.response().status == status) }
                #expect(try await connection.isClosed())
            }
        }
    }

    @Test func slowRequestsAndIdleConnectionsEnd() async throws {
        try await AgentProcess.with(["IDLE_TIMEOUT_SECONDS": "1", "REQUEST_TIMEOUT_SECONDS": "1"]) { agent in
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send("GET /cache/k HTTP/1.1\r\nHo")
                #expect(try await connection.isClosed())
            }
            try await WireClient.connect(port: agent.port) { connection in
                let isClosed = try await connection.isClosed()
                #expect(isClosed)
            }
        }
    }
}
