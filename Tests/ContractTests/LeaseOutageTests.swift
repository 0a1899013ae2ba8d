import TestSupport
import Testing

/// What one outage has left to memory says nothing in the next one: Redis has answered in between.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct LeaseOutageTests {
    private func withRedis(_ body: (RedisServerProcess, AgentProcess) async throws -> Void) async throws {
        let redis = try RedisServerProcess(configuration: ["appendonly yes", "appendfsync always"])
        defer { redis.stop() }
        let settings = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50", "OUTAGE_WRITES": "restore"]
        try await AgentProcess.with(settings) { agent in
            try await agent.waitForHealth("\"status\":\"healthy\"")
            try await body(redis, agent)
        }
    }

    private func lose(_ redis: RedisServerProcess, _ agent: AgentProcess) async throws {
        redis.stop()
        try await agent.waitForHealth("\"state\":\"outage\"")
    }

    private func takeBack(_ redis: RedisServerProcess, _ agent: AgentProcess) async throws {
        try redis.start()
        try await agent.waitForHealth("\"status\":\"healthy\"")
    }

    @Test func aLeaseOfAnOutageEndsWithIt() async throws {
        try await self.withRedis { redis, agent in
            try await self.lose(redis, agent)
            let token = try await agent.takeLease("k", seconds: 60)
            try await self.takeBack(redis, agent)
            let deleted = try await agent.ask(Request.delete("/cache/k"))
            #expect(deleted.status == 404 && deleted["x-cache-degraded"] == nil, "Redis knows nothing of the lease")
            try await self.lose(redis, agent)
            #expect(try await agent.fill("k", token).status == 409, "the value was computed before the key was deleted")
            #expect(try await agent.get("k") == "404")
        }
    }

    @Test func theVersionOfATagThatAnOutageHasMadeEndsWithIt() async throws {
        try await self.withRedis { redis, agent in
            try await self.lose(redis, agent)
            #expect(try await agent.store("k", members: #","ttl":60,"tags":["t"]"#).status == 200)
            #expect(try await agent.get("k") == "1")
            try await self.takeBack(redis, agent)
            try await eventually("a copy of what was replayed") {
                try await agent.ask(Request.get("/cache/k"))["cache-status"]?.hasSuffix("detail=near") == true
            }
            let answer = try await agent.invalidate(tag: "t")
            #expect(answer.status == 200 && answer["x-cache-degraded"] == nil)
            try await self.lose(redis, agent)
            #expect(try await agent.get("k") == "404", "the tag was invalidated")
        }
    }
}
