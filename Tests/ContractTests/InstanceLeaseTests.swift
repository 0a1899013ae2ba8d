import TestSupport
import Testing

/// Leases while Redis is away, when each instance has leases of its own.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct InstanceLeaseTests {
    private func withRedis(_ settings: [String: String] = [:], _ body: (RedisServerProcess, AgentProcess) async throws -> Void) async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let environment = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "60000",
        ]
        try await AgentProcess.with(environment.merging(settings) { $1 }) { agent in
            try await agent.waitForHealth("\"status\":\"healthy\"")
            try await body(redis, agent)
        }
    }

    private func lose(_ redis: RedisServerProcess, _ agent: AgentProcess) async throws {
        redis.stop()
        try await agent.waitForHealth("\"state\":\"outage\"")
    }

    /// Whoever takes the lease of a value takes the value from nobody.
    @Test(arguments: [#""#, #","tags":["t"]"#]) func aStaleValueIsAnsweredWhileOneComputesTheNext(_ tags: String) async throws {
        try await self.withRedis { redis, agent in
            #expect(try await agent.store("k", members: #","ttl":1,"stale":600"# + tags).status == 200)
            func plain() async throws -> WireResponse { try await agent.ask(Request.get("/cache/k")) }
            func expectStale(_ answer: WireResponse) {
                #expect(answer.text == #"{"success":true,"key":"k","value":1}"#)
                #expect(answer["x-cache-stale"] == "1" && answer["x-cache-degraded"] == "1")
            }
            try await eventually("a copy of the stale value") {
                let answer = try await plain()
                return answer["x-cache-stale"] == "1" && answer["cache-status"]?.hasSuffix("detail=near") == true
            }
            try await self.lose(redis, agent)
            expectStale(try await plain())
            let first = try await agent.lease("k", seconds: 60)
            expectStale(first)
            let token = try #require(first.leaseToken)
            expectStale(try await plain())
            for wait in [0, 10_000] {
                let other = try await agent.lease("k", seconds: 60, wait: wait)
                expectStale(other)
                #expect(other.isHeld)
            }
            let renewed = try await agent.lease("k", seconds: 60, token: token)
            expectStale(renewed)
            #expect(renewed.leaseToken == token)
            #expect(try await agent.giveUp("k", token).status == 200)
            expectStale(try await plain())
            let next = try await agent.takeLease("k", seconds: 60)
            #expect(try await agent.fill("k", token, value: "2", members: #","ttl":60"# + tags).status == 409)
            #expect(try await agent.fill("k", next, value: "2", members: #","ttl":60"# + tags).status == 200)
            #expect(try await agent.get("k") == "2")
            #expect(try await agent.lease("k").text == #"{"success":true,"key":"k","value":2}"#)
        }
    }

    /// What is known of tags when Redis is lost counts for the values that are computed meanwhile, until a tag is invalidated.
    @Test func valuesWithTagsAreStoredForLeasesOfTheInstance() async throws {
        try await self.withRedis { redis, agent in
            let members = #","ttl":60,"tags":["t"]"#
            let lease = try await agent.takeLease("known")
            #expect(try await agent.fill("known", lease, members: members).status == 200)
            for number in 0..<4 { _ = try await agent.takeLease("absent:\(number)") }
            try await eventually("copies of the value and its tag") {
                try await agent.ask(Request.get("/cache/known"))["cache-status"]?.hasSuffix("detail=near") == true
            }
            try await self.lose(redis, agent)
            let token = try await agent.takeLease("k", seconds: 60)
            #expect(try await agent.fill("k", token, value: "2", members: members).status == 200)
            #expect(try await agent.get("k") == "2")
            #expect(try await agent.get("known") == "1", "no version of a tag has been made up")
            let outdated = try await agent.takeLease("other", seconds: 60)
            #expect(try await agent.invalidate(tag: "t").status == 200)
            #expect(try await agent.fill("other", outdated, members: members).status == 409)
            for key in ["k", "known"] { #expect(try await agent.get(key) == "404") }
        }
    }

    /// Whether the lease that Redis has still stands nobody knows: it keeps nobody waiting, and nothing is stored for it.
    @Test(arguments: ["auto", "off"]) func aLeaseOfRedisIsNoneOfTheInstance(_ near: String) async throws {
        try await self.withRedis(["NEAR_CACHE": near]) { redis, agent in
            let before = try await agent.takeLease("k", seconds: 60)
            if near == "auto" {
                try await eventually("a copy of the placeholder") {
                    #expect(try await agent.lease("k").isHeld)
                    return try await agent.metric("cacheagent_near_entries") == 1
                }
            }
            try await self.lose(redis, agent)
            #expect(try await agent.fill("k", before).status == 409)
            #expect(try await agent.lease("k", token: before).status == 409)
            #expect(try await agent.giveUp("k", before).status == 409)
            let first = try await agent.lease("k", seconds: 60)
            #expect(first.status == 404 && first["x-cache-degraded"] == "1")
            let token = try #require(first.leaseToken)
            let other = try await agent.lease("k", seconds: 60)
            #expect(other.status == 404 && other.isHeld && other["x-cache-degraded"] == "1")
            #expect(try await agent.fill("k", before).status == 409)
            #expect(try await agent.fill("k", token, value: "2").status == 200)
            #expect(try await agent.get("k") == "2")
        }
    }

    /// Of those who wait when Redis goes away one gets a lease of the instance, and the others wait for its value, or hear that Redis is away.
    @Test(arguments: ["auto", "off"]) func ofThoseWhoWaitOneGoesOn(_ near: String) async throws {
        try await self.withRedis(["NEAR_CACHE": near, "EVENT_LOOPS": "1"]) { redis, agent in
            _ = try await agent.takeLease("k", seconds: 60)
            try await withThrowingTaskGroup(of: WireResponse.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var answer = try await agent.lease("k", seconds: 60, wait: 10_000)
                        while answer.isHeld { answer = try await agent.lease("k", seconds: 60, wait: 10_000) }
                        return answer
                    }
                }
                try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 4 }
                // Too late to be the one who goes on.
                async let impatient = agent.lease("k", seconds: 60, wait: 4000)
                try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 5 }
                try await self.lose(redis, agent)
                let next = try #require(try await group.next())
                #expect(next.status == 404 && next["x-cache-degraded"] == "1")
                let token = try #require(next.leaseToken)
                let over = try await impatient
                #expect(over.status == 404 && over.isHeld && over["x-cache-degraded"] == "1")
                #expect(over["cache-status"] == "redis-caching-agent; fwd=miss; detail=outage")
                #expect(try await agent.fill("k", token).status == 200)
                for try await answer in group { #expect(answer.status == 200) }
            }
        }
    }
}
