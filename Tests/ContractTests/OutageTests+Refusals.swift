import Foundation
import TestSupport
import Testing

/// What Redis refuses for good must not keep from it what it would take.
extension OutageTests {
    /// A key outside the user's pattern is the fault of one request: it must not take Redis from all others.
    @Test func aKeyThatTheUserMayNotTouchIsNoOutage() async throws {
        try await self.withRedis(configuration: ["user default on nopass ~mine:* &* +@all"]) { _, agent in
            try await agent.waitForHealth(self.connected)
            let refused = try await agent.set("k", 1)
            #expect(refused.status == 403)
            #expect(refused.text == #"{"detail":"The cache may not use this key"}"#)
            #expect(try await agent.ask(Request.get("/cache/k")).status == 403)
            let mine = try await agent.set("mine:k", 1)
            #expect(mine["cache-status"] == "redis-caching-agent; fwd=method; stored; detail=redis")
        }
    }

    private static let oneKeyPattern = ["user default on nopass ~mine:* &* +@all", "user admin on >s3cret ~* &* +@all"]

    /// Sends commands as a user who may do everything, and waits for their end.
    private func asAdministrator(_ redis: RedisServerProcess, _ commands: [String]) async throws {
        try await WireClient.connect(port: redis.port) { connection in
            try await connection.send((["AUTH admin s3cret"] + commands + ["QUIT"]).map { $0 + "\r\n" }.joined())
            try await connection.readToEnd()
        }
    }

    /// A key that the user of the service may not touch, written and deleted while Redis is away, must not keep all others from Redis.
    @Test(arguments: ["invalidate", "restore"]) func aKeyThatRedisRefusesDoesNotKeepTheOthersFromIt(_ writes: String) async throws {
        try await self.withRedis(["OUTAGE_WRITES": writes], configuration: Self.oneKeyPattern) { redis, agent in
            try await agent.waitForHealth(self.connected)
            try await self.asAdministrator(redis, ["SET other:there 1", "SET mine:there 1"])
            #expect(try await agent.get("mine:there") == "1")
            redis.pause()
            _ = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"*:there"}"#))
            try await agent.waitForHealth(self.away)
            for number in 0..<600 { #expect(try await agent.set("\(number % 2 == 0 ? "mine" : "other"):\(number)", number).status == 200) }
            #expect(try await agent.ask(Request.delete("/cache/other:there")).status == 200)
            #expect(try await agent.ask(Request.delete("/cache/mine:0")).status == 200)
            redis.resume()
            let health = try await agent.waitForHealth(self.connected)
            #expect(health.text.contains("\"journal\":{\"keys\":0,\"patterns\":0,"))
            // 300 keys, one that was deleted, the pattern, and the version of all tags, which the pattern may concern.
            #expect(health.text.contains("\"refused\":303,"))
            #expect(try await agent.get("other:1") == "403", "as while it is connected")
            #expect(try await agent.get("other:there") == "403")
            #expect(try await agent.get("mine:there") == "404")
            #expect(try await agent.get("mine:0") == "404")
            #expect(try await agent.get("mine:2") == (writes == "restore" ? "2" : "404"))
            #expect(try await agent.metric("cacheagent_replay_refused_total{kind=\"key\",reason=\"not_permitted\"}") == 302)
            #expect(try await agent.metric("cacheagent_replay_refused_total{kind=\"pattern\",reason=\"not_permitted\"}") == 1)
            #expect(try await agent.metric("cacheagent_replay_keys_total") == 300)
            #expect(agent.logged.components(separatedBy: "refuses for good").count == 2, "one line")
            #expect(!agent.logged.contains("other:"))
        }
    }

    /// The same past a deadline, while Redis counts as connected.
    @Test func aLateRefusalIsSettled() async throws {
        let patient = ["REDIS_DEAD_TIMEOUT_MS": "60000", "REDIS_BREAKER_DEADLINES": "1000"]
        try await self.withRedis(patient, configuration: Self.oneKeyPattern) { redis, agent in
            try await agent.waitForHealth(self.connected)
            redis.pause()
            let late = try await agent.set("other:k", 1)
            #expect(late["x-cache-degraded"] == "1")
            #expect(try await agent.get("other:k") == "1")
            redis.resume()
            try await eventually("a refusal") { try await agent.get("other:k") == "403" }
            let health = try await agent.ask(Request.get("/health"))
            #expect(health.text.contains(self.connected))
            #expect(try await agent.metric("cacheagent_redis_outages_total") == 1, "the start alone")
            #expect(try await agent.metric("cacheagent_replay_refused_total{kind=\"key\",reason=\"not_permitted\"}") == 1)
        }
    }

    /// The user may delete, but not look for keys: while Redis is connected an invalidation is answered with 503, and a queued one ends likewise.
    @Test func aPatternThatRedisRefusesDoesNotKeepTheKeysFromIt() async throws {
        try await self.withRedis(["OUTAGE_WRITES": "restore"], configuration: ["user default on nopass ~* &* +@all -scan"]) { redis, agent in
            try await agent.waitForHealth(self.connected)
            #expect(try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#)).status == 503)
            let dryRun = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"p:*","dry_run":true}"#))
            #expect(dryRun.status == 503, "a number that Redis does not say is not invented")
            redis.pause()
            #expect(try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#)).status == 200)
            try await agent.waitForHealth(self.away)
            #expect(try await agent.set("k", 1).status == 200)
            redis.resume()
            try await agent.waitForHealth(self.connected)
            #expect(try await agent.get("k") == "1")
            #expect(try await agent.metric("cacheagent_replay_refused_total{kind=\"pattern\",reason=\"not_permitted\"}") == 1)
        }
    }

    /// `proto-max-bulk-len` below `VALUE_MAX_BYTES`: Redis ends the connection on such a value, which must not happen again at every replay.
    @Test func aValueTooLargeForRedisDoesNotKeepTheOthersFromIt() async throws {
        let settings = ["OUTAGE_WRITES": "restore", "VALUE_MAX_BYTES": "4194304", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]
        try await self.withRedis(settings, configuration: ["proto-max-bulk-len 1mb"]) { redis, agent in
            try await agent.waitForHealth(self.connected)
            let body = #"{"key":"large","value":"\#(String(repeating: "x", count: 1_100_000))"}"#
            redis.stop()
            try await agent.waitForHealth(self.away)
            #expect(try await agent.ask(Request.post("/cache", body)).status == 200)
            for number in 0..<3 { #expect(try await agent.set("k\(number)", number).status == 200) }
            try redis.start()
            try await agent.waitForHealth(self.connected)
            for number in 0..<3 { #expect(try await agent.get("k\(number)") == "\(number)") }
            #expect(try await agent.ask(Request.get("/cache/large")).status == 404)
            // Redis says why before it hangs up, but its reply may be lost with the connection.
            let said = try await agent.metric("cacheagent_replay_refused_total{kind=\"key\",reason=\"value_too_large\"}")
            #expect(try await said + agent.metric("cacheagent_replay_refused_total{kind=\"key\",reason=\"connection_lost\"}") == 1)
        }
    }
}
