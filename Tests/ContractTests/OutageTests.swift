import TestSupport
import Testing

/// Redis goes away and comes back: the embedded store serves, and says so.
@Suite(.enabled(if: RedisServerProcess.isAvailable)) struct OutageTests {
    private func withRedis(_ body: (RedisServerProcess, AgentProcess) async throws -> Void) async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let environment = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50"]
        try await AgentProcess.with(environment) { agent in try await body(redis, agent) }
    }

    private func waitForHealth(_ text: String, _ agent: AgentProcess) async throws -> WireResponse {
        while true {
            let health = try await WireClient.exchange(port: agent.port, Request.get("/health"))
            if health.text.contains(text) { return health }
        }
    }

    @Test func theEmbeddedStoreServesWhileRedisIsAway() async throws {
        try await self.withRedis { redis, agent in
            #expect(try await self.waitForHealth("\"redis_connected\":true", agent).text.contains("\"status\":\"healthy\""))
            redis.stop()
            let health = try await self.waitForHealth("\"redis_connected\":false", agent)
            #expect(health.status == 200)
            #expect(health.text.contains("\"status\":\"degraded\""))
            #expect(try await WireClient.exchange(port: agent.port, Request.get("/health/ready")).status == 200)
            let set = try await WireClient.exchange(port: agent.port, Request.post("/cache", #"{"key":"k","value":1}"#))
            #expect(set.status == 200)
            for request in [Request.get("/cache/k"), Request.get("/cache?key=k")] {
                let hit = try await WireClient.exchange(port: agent.port, request)
                #expect(hit.text == #"{"success":true,"key":"k","value":1}"#)
                #expect(hit["cache-status"] == "redis-caching-agent; hit; detail=outage")
                #expect(hit["x-cache-degraded"] == "1")
            }
            try redis.start()
            _ = try await self.waitForHealth("\"redis_connected\":true", agent)
            let back = try await WireClient.exchange(port: agent.port, Request.get("/cache/none"))
            #expect(back["cache-status"] == "redis-caching-agent; fwd=miss; detail=redis")
        }
    }

    @Test func aHangingRedisIsAnsweredForWithinTheDeadline() async throws {
        try await self.withRedis { redis, agent in
            _ = try await self.waitForHealth("\"redis_connected\":true", agent)
            redis.pause()
            let hung = try await WireClient.exchange(port: agent.port, Request.get("/cache/k"))
            #expect(hung.status == 404)
            #expect(hung["cache-status"] == "redis-caching-agent; fwd=miss; detail=outage")
            redis.resume()
        }
    }

    @Test func aStartWithoutRedisServes() async throws {
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:1"]) { agent in
            let set = try await WireClient.exchange(port: agent.port, Request.post("/cache", #"{"key":"k","value":1}"#))
            #expect(set["cache-status"] == "redis-caching-agent; fwd=method; stored; detail=outage")
        }
    }

    @Test func aFullRedisIsNoOutage() async throws {
        let redis = try RedisServerProcess(configuration: ["maxmemory 1mb", "maxmemory-policy noeviction"])
        defer { redis.stop() }
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]) {
            agent in
            _ = try await self.waitForHealth("\"redis_connected\":true", agent)
            var answer = WireResponse()
            let value = String(repeating: "x", count: 100_000)
            for number in 0..<30 where answer.status != 507 {
                answer = try await WireClient.exchange(port: agent.port, Request.post("/cache", #"{"key":"k\#(number)","value":"\#(value)"}"#))
            }
            #expect(answer.status == 507)
            #expect(answer.text == #"{"detail":"The cache is out of memory"}"#)
            let read = try await WireClient.exchange(port: agent.port, Request.get("/cache/none"))
            #expect(read["cache-status"] == "redis-caching-agent; fwd=miss; detail=redis")
        }
    }
}
