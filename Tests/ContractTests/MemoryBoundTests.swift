import Access
import Foundation
import NIOCore
import TestSupport
import Testing

/// What clients can make the program hold: answers that nobody reads, bodies that never end. Without a key, on every path.
@Suite(.timeLimit(.minutes(5))) struct MemoryBoundTests {
    private static let key = NewAccessKey()
    private static var keys: String { "k sha256:\(Self.key.digest.hex) all" }

    // MARK: Answers that nobody reads

    private static let floods = [
        "GET http://h/openapi.json HTTP/1.1\r\nHost: h\r\n\r\n", "GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /openapi.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /cache/big HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /cache/big HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
    ]

    /// A hundred thousand requests whose answers nobody reads: the program keeps a few answers of each connection, and no request.
    @Test(arguments: floods, ["on", "off"]) func unreadAnswersAreFew(_ request: String, _ lane: String) async throws {
        try await AgentProcess.with(["FAST_LANE": lane]) { agent in
            let value = String(repeating: "x", count: 30_000)
            _ = try await agent.ask(Request.post("/cache", #"{"key":"big","value":"\#(value)"}"#))
            let before = try agent.residentBytes()
            try await self.withSilentClients(10, agent) { client in
                // What does not fit into the sockets stays with the client; it must not wait for that.
                client.channel.writeAndFlush(ByteBuffer(string: String(repeating: request, count: 2000)), promise: nil)
            } whileTheyWait: {
                for _ in 0..<20 {
                    let answer = try await agent.ask(Request.get("/health/live"))
                    #expect(answer.status == 200)
                }
                // Several answers a connection, and what the allocator makes of them; without the bound, 200 MB.
                #expect(try agent.residentBytes() < before + (24 << 20))
            }
        }
    }

    /// Connections that read nothing reach the bound of the process: others hear so, the silent ones are disconnected, and all is as before.
    @Test func unreadAnswersOfAllConnectionsAreBounded() async throws {
        try await AgentProcess.with(["UNSENT_TOTAL_MAX_BYTES": "1048576"]) { agent in
            let value = String(repeating: "x", count: 1_000_000)
            _ = try await agent.ask(Request.post("/cache", #"{"key":"big","value":"\#(value)"}"#))
            var refused: WireResponse?
            // Silent clients are disconnected within about a second: whoever is too slow to be refused meanwhile asks beside new ones.
            try await eventually("a refusal") {
                try await self.withSilentClients(8, agent) { client in
                    try await client.send(String(repeating: Request.get("/cache/big"), count: 20))
                } whileTheyWait: {
                    for _ in 0..<20 where refused == nil {
                        let answer = try await agent.ask(Request.get("/cache/big"))
                        #expect(try await agent.ask(Request.get("/health/live")).status == 200, "probes are always answered")
                        if answer.status != 200 { refused = answer }
                    }
                    guard refused != nil else { return }
                    try await agent.waitForMetric("cacheagent_http_unsent_bytes") { $0 <= 1_048_576 }
                    try await eventually("room for an answer") { try await agent.ask(Request.get("/cache/big")).status == 200 }
                }
                return refused != nil
            }
            #expect(refused?.status == 503 && refused?["retry-after"] == "1" && refused?["connection"] == "close")
            #expect(refused?.text == #"{"detail":"Too many answers wait to be read; try again"}"#)
            #expect(try await agent.metric(#"cacheagent_http_refusals_total{limit="unread_connections_closed"}"#) >= 1)
            try await agent.waitForMetric("cacheagent_http_unsent_bytes") { $0 == 0 }
        }
    }

    private func withSilentClients(
        _ count: Int, _ agent: AgentProcess, send: @escaping @Sendable (WireClient.Connection) async throws -> Void,
        whileTheyWait body: () async throws -> Void
    ) async throws {
        guard count > 0 else { return try await body() }
        try await WireClient.connect(port: agent.port, receiveBuffer: 4096) { client in
            try await send(client)
            try await self.withSilentClients(count - 1, agent, send: send, whileTheyWait: body)
        }
    }

    // MARK: Bodies that never end

    private static func endless(_ fields: [String] = []) -> String {
        Request.head("POST", "/cache", ["Content-Length: 1000000"] + fields) + "\r\n"
    }

    /// Who may not send a body hears so before it comes, and so does who would send too much.
    @Test(arguments: ["on", "off"]) func requestsAreJudgedByTheirHead(_ lane: String) async throws {
        let settings = ["FAST_LANE": lane, "API_KEYS": Self.keys, "RATE_LIMIT_PER_SECOND": "1", "RATE_LIMIT_BURST": "5", "EVENT_LOOPS": "1"]
        try await AgentProcess.with(settings) { agent in
            let key = "X-API-Key: \(Self.key.secret)"
            for expectation in [[], ["Expect: 100-continue"]] {
                for (request, status) in [
                    (Self.endless(expectation), 401), (Self.endless(expectation + ["X-API-Key: no"]), 401),
                    (Request.head("POST", "/cache", expectation + [key, "Content-Length: 99999999"]) + "\r\n", 413),
                    (Request.head("POST", "/nothing", expectation + ["Content-Length: 9"]) + "\r\n", 404),
                    (Request.head("PUT", "/cache/k", expectation + ["Content-Length: 9"]) + "\r\n", 405),
                    (Request.head("POST", "/cache/invalidate", expectation + ["Transfer-Encoding: chunked"]) + "\r\n", 401),
                ] {
                    try await WireClient.connect(port: agent.port) { connection in
                        try await connection.send(request)
                        let answer = try await connection.response()
                        #expect(answer.status == status, "\(request)")
                        #expect(answer["connection"] == "close")
                    }
                }
            }
            // One request too many with a key is refused before its body is there, which ends the connection. How many are admitted until then is a
            // question of time.
            try await eventually("a refusal of the head") { try await self.isRefusedByItsHead(key, agent) }
        }
    }

    /// Sends a head, and its body when the service has had time for the head.
    private func isRefusedByItsHead(_ key: String, _ agent: AgentProcess) async throws -> Bool {
        let body = #"{"key":"k","value":1}"#
        return try await WireClient.connect(port: agent.port) { connection in
            try await connection.send(Request.head("POST", "/cache", [key, "Content-Length: \(body.utf8.count)"]) + "\r\n")
            _ = try await agent.ask(Request.get("/health/live"))
            try await connection.send(body)
            let answer = try await connection.response()
            #expect(answer.status == 200 || answer.status == 429)
            return answer.status == 429 && answer["connection"] == "close"
        }
    }

    @Test(arguments: ["on", "off"]) func bodiesOfStrangersTakeNoMemory(_ lane: String) async throws {
        try await AgentProcess.with(["FAST_LANE": lane, "API_KEYS": Self.keys, "METRICS_ACCESS": "open"]) { agent in
            let before = try agent.residentBytes()
            let body = String(repeating: " ", count: 900_000)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<30 {
                    group.addTask {
                        try await WireClient.connect(port: agent.port) { connection in
                            connection.channel.writeAndFlush(ByteBuffer(string: Self.endless() + body), promise: nil)
                            return try await connection.response().status
                        }
                    }
                }
                for try await status in group { #expect(status == 401) }
            }
            #expect(try agent.residentBytes() < before + (12 << 20))
            #expect(try await agent.metric("cacheagent_http_receiving_bytes") == 0)
        }
    }

    /// The bound of the process on bodies that are on their way, for those who may send them.
    @Test(arguments: ["on", "off"], ["Content-Length: 600000", "Transfer-Encoding: chunked"]) func bodiesOnTheirWayAreBounded(
        _ lane: String, _ framing: String
    ) async throws {
        try await AgentProcess.with(["FAST_LANE": lane, "RECEIVED_TOTAL_MAX_BYTES": "1048576"]) { agent in
            let head = Request.head("POST", "/cache", [framing]) + "\r\n"
            let piece = framing.hasPrefix("T") ? "927BF\r\n" + String(repeating: " ", count: 599_999) : String(repeating: " ", count: 599_999)
            try await WireClient.connect(port: agent.port) { first in
                try await first.send(head + piece)
                try await agent.waitForMetric("cacheagent_http_receiving_bytes") { $0 >= 500_000 }
                try await WireClient.connect(port: agent.port) { second in
                    second.channel.writeAndFlush(ByteBuffer(string: head + piece), promise: nil)
                    let refused = try await second.response()
                    #expect(refused.status == 503 && refused["retry-after"] == "1" && refused["connection"] == "close")
                    #expect(refused.text == #"{"detail":"Too many request bodies at once; try again"}"#)
                }
                // Small ones still have room.
                #expect(try await agent.ask(Request.post("/cache", #"{"key":"k","value":1}"#)).status == 200)
            }
            try await agent.waitForMetric("cacheagent_http_receiving_bytes") { $0 == 0 }
            #expect(try await agent.ask(Request.get("/metrics")).text.contains(#"cacheagent_http_refusals_total{limit="received_bytes"} 1"#))
        }
    }

    /// Clients that vanish in the middle of a body are no fault of the service: whoever wants to fill its log must find another way.
    @Test(arguments: ["on", "off"]) func vanishingClientsAreNotLogged(_ lane: String) async throws {
        try await AgentProcess.with(["FAST_LANE": lane]) { agent in
            for framing in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
                for target in ["/cache", "/cache/invalidate"] {
                    try await WireClient.connect(port: agent.port) { client in
                        try await client.send(Request.head("POST", target, [framing, "Expect: 100-continue"]) + "\r\n")
                        #expect(try await client.response().status == 100)
                        // Closing with a linger time of 0 is a reset.
                        let socket = try #require(client.channel as? any SocketOptionProvider)
                        try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
                        try await client.channel.close().get()
                    }
                }
            }
            try await agent.waitForMetric("cacheagent_http_connections") { $0 == 1 }
            try await agent.waitForMetric("cacheagent_http_requests_in_flight") { $0 == 1 }
            #expect(!agent.logged.contains("a route failed"))
        }
    }

    /// Clients that hang up with answers due leave nothing in the count of unread bytes, which would refuse everybody once it is full.
    @Test(arguments: ["on", "off"]) func vanishingClientsLeaveNothingCounted(_ lane: String) async throws {
        try await AgentProcess.with(["FAST_LANE": lane]) { agent in
            let value = String(repeating: "x", count: 100_000)
            _ = try await agent.ask(Request.post("/cache", #"{"key":"big","value":"\#(value)"}"#))
            for _ in 0..<200 {
                try await WireClient.connect(port: agent.port) { client in
                    let socket = try #require(client.channel as? any SocketOptionProvider)
                    try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
                    try await client.send(Request.get("/cache/big") + Request.get("/openapi.json"))
                    try await client.channel.close().get()
                }
            }
            try await agent.waitForMetric("cacheagent_http_connections") { $0 == 1 }
            #expect(try await agent.metric("cacheagent_http_unsent_bytes") == 0)
        }
    }

    // MARK: Probes

    /// Requests that fill the router leave probes and metrics their places.
    @Test(arguments: ["on", "off"]) func probesHaveAReserve(_ lane: String) async throws {
        try await AgentProcess.with(["FAST_LANE": lane, "REQUESTS_IN_FLIGHT_MAX": "2"]) { agent in
            let dripping = Request.head("POST", "/cache/invalidate", ["Content-Length: 100"]) + "\r\n{"
            try await self.withSilentClients(2, agent) { client in
                try await client.send(dripping)
            } whileTheyWait: {
                try await eventually("a full router") { try await agent.ask(Request.get("/docs")).status == 503 }
                for target in ["/health", "/health/live", "/health/ready", "/metrics"] {
                    let answer = try await agent.ask(Request.get(target))
                    #expect(answer.status == 200, "\(target)")
                }
                #expect(try await agent.ask(Request.get("/healthy")).status == 503)
            }
        }
    }

    /// Where all connections are taken, a probe is answered on one more, and that is all that it may ask.
    @Test(arguments: ["on", "off"]) func connectionsHaveAReserveForProbes(_ lane: String) async throws {
        try await AgentProcess.with(["FAST_LANE": lane, "CONNECTIONS_MAX": "1", "PROBES_IN_FLIGHT_MAX": "1", "EVENT_LOOPS": "1"]) { agent in
            try await WireClient.connect(port: agent.port) { connection in
                for _ in 0..<3 {
                    try await connection.send(Request.get("/cache/k"))
                    #expect(try await connection.response().status == 404)
                    // The probe before may still have the place.
                    try await eventually("a place for a probe") { try await self.isProbeAnswered(agent) }
                }
                let refused = try await agent.ask(Request.get("/cache/k"))
                #expect(refused.status == 503 && refused.text == #"{"detail":"Too many connections; try again"}"#)
                try await connection.send(Request.get("/cache/k"))
                #expect(try await connection.response().status == 404)
                try await WireClient.connect(port: agent.port) { silent in
                    try await WireClient.connect(port: agent.port) { third in
                        let refused = try await third.response()
                        #expect(refused.status == 503, "the reserve has a bound, too")
                    }
                    #expect(try await silent.response().status == 503, "a place for a probe is not held without one")
                }
            }
        }
    }

    private func isProbeAnswered(_ agent: AgentProcess) async throws -> Bool {
        try await WireClient.connect(port: agent.port) { probe in
            try await probe.send(Request.get("/health/live"))
            let answer = try await probe.response()
            #expect(answer["connection"] == "close")
            #expect(try await probe.isClosed())
            return answer.status == 200
        }
    }
}
