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

    /// A lease that nobody could fill would keep everybody from the value until it ends.
    @Test func aRedisThatRunsNoScriptsGivesNoLease() async throws {
        try await self.withRedis { redis, agent in
            let earlier = try await agent.takeLease("earlier")
            #expect(try await agent.fill("earlier", earlier).status == 200)
            try await redis.run("ACL SETUSER default -eval")
            for _ in 0..<2 {
                let refused = try await agent.lease("k", wait: 10_000)
                #expect(refused.status == 503 && refused["cache-lease"] == nil && refused["retry-after"] == "1")
            }
            #expect(try await redis.run("EXISTS k") == ":0\r\n")
            #expect(try await agent.ask(Request.get("/health")).text.contains(#""refused_commands":["EVAL"]"#))
            // As docs/patterns.md has it: without a lease the value is stored plainly, and read by all.
            #expect(try await agent.set("k", 1, ttl: 60).status == 200)
            #expect(try await agent.lease("k").text == #"{"success":true,"key":"k","value":1}"#)
            #expect(try await agent.store("stale", members: #","ttl":1,"stale":600"#).status == 200)
            let stale = try await eventually("a stale value") {
                try await agent.lease("stale")
            } until: {
                $0["x-cache-stale"] == "1"
            }
            #expect(stale.status == 200 && stale["cache-lease"] == nil)
            try await redis.run("ACL SETUSER default +eval")
            #expect(try await agent.lease("stale").leaseToken != nil)
            let later = try await agent.takeLease("later")
            #expect(try await agent.fill("later", later).status == 200)
            #expect(try await agent.ask(Request.get("/health")).text.contains(#""refused_commands":[]"#))
        }
    }
}
