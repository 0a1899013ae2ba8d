import TestSupport
import Testing

/// A start waits for Redis, if it is configured to, and not for ever.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct StartupWaitTests {
    private func settings(_ redis: RedisServerProcess, waitSeconds: Int) -> [String: String] {
        ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50", "REDIS_STARTUP_WAIT_SECONDS": "\(waitSeconds)"]
    }

    @Test func theFirstRequestFindsARedisThatIsLate() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        redis.stop()
        let launched = try AgentProcess.launch(self.settings(redis, waitSeconds: 300))
        #expect(await launched.logs("waiting for Redis before serving"))
        #expect(!launched.logged.contains("serving on port"))
        try redis.start()
        let agent = try await launched.serving()
        let answer = try await agent.ask(Request.get("/cache/absent"))
        #expect(answer.status == 404)
        #expect(answer["x-cache-degraded"] == nil)
        #expect(try await agent.ask(Request.get("/health")).text.contains("\"redis_connected\":true"))
        #expect(agent.logged.contains("Redis has been reached"))
        #expect(await agent.terminate() == 0)
    }

    @Test func memoryServesWhenPatienceIsOver() async throws {
        let redis = try RedisServerProcess()
        redis.stop()
        try await AgentProcess.with(self.settings(redis, waitSeconds: 1)) { agent in
            #expect(agent.logged.contains("Redis was not reached in time"))
            let answer = try await agent.ask(Request.get("/cache/absent"))
            #expect(answer["x-cache-degraded"] == "1")
        }
    }

    @Test func aRedisThatIsThereIsNotWaitedFor() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        try await AgentProcess.with(self.settings(redis, waitSeconds: 300)) { agent in
            let health = try await agent.ask(Request.get("/health"))
            #expect(health.text.contains("\"redis_connected\":true"))
        }
    }

    @Test func sigtermEndsTheWait() async throws {
        let redis = try RedisServerProcess()
        redis.stop()
        let launched = try AgentProcess.launch(self.settings(redis, waitSeconds: 300))
        #expect(await launched.logs("waiting for Redis before serving"))
        #expect(await launched.terminate() == 0)
    }
}
