import TestSupport
import Testing

/// Leases over a Redis that does not do all that they need.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct LeaseRefusalTests {
    private func withRedis(_ body: (RedisServerProcess, AgentProcess) async throws -> Void) async throws {
        let redis = try RedisServerProcess(configuration: ["maxmemory-policy noeviction"])
        defer { redis.stop() }
        let environment = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]
        try await AgentProcess.with(environment) { agent in
            try await agent.waitForHealth(#""status":"healthy""#)
            try await body(redis, agent)
        }
    }

    /// A Redis without room says nothing of a lease that stands.
    @Test func aLeaseThatCannotBeRenewedStands() async throws {
        try await self.withRedis { redis, agent in
            let token = try await agent.takeLease("k", seconds: 60)
            try await redis.run("CONFIG SET maxmemory 1")
            let renewed = try await agent.lease("k", seconds: 60, token: token)
            #expect(renewed.status == 507 && renewed["cache-lease"] == nil)
            #expect(try await agent.fill("k", token).status == 507)
            let other = try await agent.lease("other")
            #expect(other.status == 404 && other["cache-lease"] == nil, "a lease that Redis does not take is none")
            try await redis.run("CONFIG SET maxmemory 0")
            #expect(try await agent.lease("k").isHeld)
            #expect(try await agent.lease("k", seconds: 60, token: token).leaseToken == token)
            #expect(try await agent.fill("k", token).status == 200)
        }
    }
}
