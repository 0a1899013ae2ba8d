import Access
import Foundation
import NIOCore
import TestSupport
import Testing

/// Every bound: at it, one beyond it, and far beyond it.
@Suite(.timeLimit(.minutes(5))) struct LimitContractTests {
    private func refusals(_ limit: String, _ agent: AgentProcess) async throws -> Double {
        // If connections are bounded, the connection for this may be one too many.
        let answer = try await eventually("a place") {
            try await agent.ask(Request.get("/metrics"))
        } until: {
            $0.status != 503
        }
        return try #require(answer.metric(#"cacheagent_http_refusals_total{limit="\#(limit)"}"#))
    }

    @Test(arguments: ["on", "off"]) func targets(_ lane: String) async throws {
        try await AgentProcess.with(["TARGET_MAX_BYTES": "100", "FAST_LANE": lane]) { agent in
            for (count, status) in [(100, 404), (101, 414), (10_000, 414)] {
                let answer = try await agent.ask(Request.get("/nothing?" + String(repeating: "x", count: count - 9)))
                #expect(answer.status == status)
                if status == 414 { #expect(answer.text == #"{"detail":"The target of the request is too long"}"#) }
            }
        }
    }

    @Test(arguments: ["on", "off"]) func headerFields(_ lane: String) async throws {
        try await AgentProcess.with(["HEADER_MAX_FIELDS": "20", "FAST_LANE": lane]) { agent in
            for (count, status) in [(20, 404), (21, 431), (800, 431)] {
                // Host is one of them.
                let answer = try await agent.ask(Request.get("/cache/k", (1..<count).map { "X-\($0): 1" }))
                #expect(answer.status == status, "\(count)")
            }
        }
    }

    @Test func connections() async throws {
        try await AgentProcess.with(["CONNECTIONS_MAX": "3"]) { agent in
            try await WireClient.connect(port: agent.port) { first in
                try await WireClient.connect(port: agent.port) { second in
                    try await WireClient.connect(port: agent.port) { third in
                        for _ in 0..<2 {
                            try await first.send(Request.get("/cache/k"))
                            #expect(try await first.response().status == 404)
                            try await second.send(Request.get("/cache/k"))
                            #expect(try await second.response().status == 404)
                            try await third.send(Request.get("/cache/k"))
                            #expect(try await third.response().status == 404)
                            try await WireClient.connect(port: agent.port) { fourth in
                                let answer = try await fourth.response()
                                #expect(answer.status == 503 && answer["retry-after"] == "1" && answer["connection"] == "close")
                                #expect(answer.text == #"{"detail":"Too many connections; try again"}"#)
                            }
                        }
                    }
                }
            }
            // Those that have ended make room.
            try await eventually("a place") { try await agent.ask(Request.get("/cache/k")).status == 404 }
            #expect(try await self.refusals("connections", agent) >= 2)
        }
    }

    /// Clients that hold connections and send no request, or half of one, lose their places to those that ask something.
    @Test(arguments: ["", "GET /cache/k HTTP/1.1\r\nHost: "]) func slowClientsMakeRoom(_ beginning: String) async throws {
        try await AgentProcess.with(["CONNECTIONS_MAX": "2", "EVENT_LOOPS": "1"]) { agent in
            try await WireClient.connect(port: agent.port) { first in
                try await WireClient.connect(port: agent.port) { second in
                    for connection in [first, second] where !beginning.isEmpty { try await connection.send(beginning) }
                    // Not at once: who is merely on the way has a second.
                    try await eventually("a place") { try await agent.ask(Request.get("/cache/k")).status == 404 }
                    #expect(try await self.refusals("connections_evicted", agent) >= 1)
                }
            }
        }
    }

    /// Whoever waits for us is not slow: a request that takes long keeps its place, even if its body came after its head.
    @Test(.enabled(if: RedisServerProcess.isAvailable), arguments: ["on", "off"]) func clientsThatWaitKeepTheirPlaces(_ lane: String) async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "10000", "REDIS_DEAD_TIMEOUT_MS": "10000", "EVENT_LOOPS": "1",
            "CONNECTIONS_MAX": "1", "FAST_LANE": lane,
        ]
        try await AgentProcess.with(settings) { agent in
            try await agent.waitForHealth(#""state":"connected""#)
            // A connection of before may still have the place.
            try await eventually("a place") { try await self.waitsLong(agent, redis) }
        }
    }

    /// Returns false if the connection got no place.
    private func waitsLong(_ agent: AgentProcess, _ redis: RedisServerProcess) async throws -> Bool {
        try await WireClient.connect(port: agent.port) { waiting in
            try await waiting.send(Request.get("/cache/k"))
            guard try await waiting.response().status == 404 else { return false }
            redis.pause()
            let body = #"{"key":"k","value":1}"#
            try await waiting.send(Request.head("POST", "/cache", ["Content-Length: \(body.utf8.count)"]) + "\r\n")
            // The head must have come alone: the service has read it by the time it answers another client.
            _ = try await agent.ask(Request.get("/health/live"))
            try await waiting.send(body)
            // Others want the place for longer than a client may owe us a request.
            let end = ContinuousClock.now + .milliseconds(1500)
            while ContinuousClock.now < end { _ = try await agent.ask(Request.get("/nothing")) }
            redis.resume()
            #expect(try await waiting.response().status == 200)
            return true
        }
    }

    @Test func connectionsOfOneAddress() async throws {
        try await AgentProcess.with(["CONNECTIONS_PER_PEER_MAX": "1"]) { agent in
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.get("/cache/k"))
                #expect(try await connection.response().status == 404)
                try await WireClient.connect(port: agent.port) { second in
                    let answer = try await second.response()
                    #expect(answer.status == 503)
                }
                try await connection.send(Request.get("/metrics"))
                let metrics = try await connection.response().text
                #expect(metrics.contains("\ncacheagent_http_refusals_total{limit=\"connections_of_peer\"} 1\n"))
            }
            // Both that have ended make room.
            try await eventually("a place") { try await agent.ask(Request.get("/cache/k")).status == 404 }
        }
    }

    /// A Redis that hangs: the next request over the bound is refused at once, and those before it are answered when their time is over.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func requestsInFlight() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "10000", "REDIS_DEAD_TIMEOUT_MS": "10000", "EVENT_LOOPS": "1",
            "REQUESTS_IN_FLIGHT_MAX": "2",
        ]
        try await AgentProcess.with(settings) { agent in
            try await agent.waitForHealth(#""state":"connected""#)
            redis.pause()
            try await WireClient.connect(port: agent.port) { first in
                try await first.send(Request.get("/cache/k"))
                try await WireClient.connect(port: agent.port) { second in
                    try await second.send(Request.get("/cache/k"))
                    try await agent.waitForMetric("cacheagent_http_requests_in_flight") { $0 == 3 }
                    let refused = try await agent.ask(Request.get("/cache/k", ["X-Request-Id: mine"]))
                    #expect(refused.status == 503 && refused["retry-after"] == "1" && refused["x-request-id"] == "mine")
                    #expect(refused.text == #"{"detail":"Too many requests at once; try again"}"#)
                    // Nor is a body waited for.
                    let judgedByItsHead = try await agent.ask(Request.head("POST", "/cache", ["Content-Length: 100"]) + "\r\n")
                    #expect(judgedByItsHead.status == 503 && judgedByItsHead["connection"] == "close")
                    #expect(judgedByItsHead.text == refused.text)
                    redis.resume()
                    #expect(try await first.response().status == 404)
                    #expect(try await second.response().status == 404)
                }
            }
            #expect(try await agent.ask(Request.get("/cache/k")).status == 404)
            #expect(try await self.refusals("requests_in_flight", agent) >= 1)
        }
    }

    /// Each walks over all keys. Two at the same time with room for one: one is refused at once, and the other is answered when Redis answers.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func invalidationsAtOnce() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "10000", "REDIS_DEAD_TIMEOUT_MS": "10000",
            "REDIS_CONTROL_DEADLINE_MS": "60000", "REDIS_CONNECT_TIMEOUT_MS": "60000", "INVALIDATIONS_MAX": "1",
        ]
        let request = Request.post("/cache/invalidate", #"{"pattern":"k*"}"#)
        try await AgentProcess.with(settings) { agent in
            try await agent.waitForHealth(#""state":"connected""#)
            redis.pause()
            let answers = try await withThrowingTaskGroup { group in
                for _ in 0..<2 { group.addTask { try await agent.ask(request) } }
                var answers: [WireResponse] = []
                for try await answer in group {
                    answers.append(answer)
                    redis.resume()
                }
                return answers
            }
            #expect(answers.map(\.status) == [503, 200])
            #expect(answers[0].text == #"{"detail":"Too many invalidations at once; try again"}"#)
            #expect(answers[0]["retry-after"] == "1")
            #expect(try await self.refusals("invalidations", agent) == 1)
            for _ in 0..<3 { #expect(try await agent.ask(request).status == 200, "what has ended makes room") }
        }
    }

    @Test(arguments: ["on", "off"]) func theRateOfAKey(_ lane: String) async throws {
        let keys = [NewAccessKey(), NewAccessKey()]
        let lines = keys.enumerated().map { "k\($0.offset) sha256:\($0.element.digest.hex) all" }.joined(separator: ";")
        let settings = ["API_KEYS": lines, "RATE_LIMIT_PER_SECOND": "1", "RATE_LIMIT_BURST": "5", "FAST_LANE": lane, "METRICS_ACCESS": "open"]
        try await AgentProcess.with(settings) { agent in
            var statuses: [Int] = []
            var refusal: WireResponse?
            // A request takes far less than the second in which a key earns another one.
            for _ in 0..<10_000 where refusal == nil {
                let answer = try await agent.ask(Request.get("/cache/k", ["X-API-Key: \(keys[0].secret)"]))
                statuses.append(answer.status)
                if answer.status == 429 { refusal = answer }
            }
            #expect(statuses.count > 5 && statuses.dropLast().allSatisfy { $0 == 404 })
            #expect(refusal?.text == #"{"detail":"Too many requests with these credentials; try again"}"#)
            #expect(refusal?["retry-after"] == "1")
            let other = try await agent.ask(Request.get("/cache/k", ["X-API-Key: \(keys[1].secret)"]))
            #expect(other.status == 404, "each key has its own")
            #expect(try await self.refusals("rate", agent) >= 1)
        }
    }

    /// What is announced beyond a bound is refused before it is read: the program does not grow.
    @Test func farBeyondTheBoundsNothingGrows() async throws {
        try await AgentProcess.with(["VALUE_MAX_BYTES": "65536", "METRICS": "on"]) { agent in
            _ = try await agent.ask(Request.get("/cache/k"))
            let before = try agent.residentBytes()
            for _ in 0..<30 {
                try await WireClient.connect(port: agent.port) { connection in
                    try await connection.send("POST /cache HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6553600\r\n\r\n")
                    let answer = try await connection.response()
                    #expect(answer.status == 413)
                }
                try await WireClient.connect(port: agent.port) { connection in
                    try await connection.send("POST /cache HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
                    let chunk = "10000\r\n" + String(repeating: "x", count: 65536) + "\r\n"
                    // The service stops reading at the bound, so what is beyond it must not be waited for.
                    connection.channel.writeAndFlush(ByteBuffer(string: String(repeating: chunk, count: 100)), promise: nil)
                    let answer = try await connection.response()
                    #expect(answer.status == 413)
                    #expect(answer["connection"] == "close")
                }
            }
            // The address sanitizer keeps what is freed, and a shadow of everything.
            let allowance = ProcessInfo.processInfo.environment["ASAN_OPTIONS"] == nil ? 24 : 192
            #expect(try agent.residentBytes() < before + (allowance << 20))
        }
    }

    /// Connections that send a byte now and then: they take no one's place, and are closed when their time is over.
    @Test func slowClientsLeaveOthersAlone() async throws {
        try await AgentProcess.with(["REQUEST_TIMEOUT_SECONDS": "1"]) { agent in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await WireClient.connect(port: agent.port) { connection in
                            try await connection.send("GET /cache/k HTTP/1.1\r\nHost: ")
                            return try await connection.isClosed()
                        }
                    }
                }
                for _ in 0..<100 { #expect(try await agent.ask(Request.get("/cache/k")).status == 404) }
                for try await isClosed in group { #expect(isClosed) }
            }
        }
    }
}
