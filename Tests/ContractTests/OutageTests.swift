import Foundation
import TestSupport
import Testing

/// Redis goes away and comes back: memory serves and says so, and nothing that was acknowledged meanwhile is forgotten.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct OutageTests {
    func withRedis(
        _ settings: [String: String] = [:], configuration: [String] = [], _ body: (RedisServerProcess, AgentProcess) async throws -> Void
    ) async throws {
        let redis = try RedisServerProcess(configuration: configuration)
        defer { redis.stop() }
        let environment = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50"]
        try await AgentProcess.with(environment.merging(settings) { $1 }) { agent in try await body(redis, agent) }
    }

    let connected = "\"status\":\"healthy\""
    let away = "\"state\":\"outage\""

    // MARK: While it is away

    @Test func theEmbeddedStoreServesWhileRedisIsAway() async throws {
        try await self.withRedis { redis, agent in
            let healthy = try await agent.waitForHealth(self.connected)
            #expect(healthy.text.contains("\"redis_connected\":true"))
            #expect(healthy.text.contains("\"reason\":null"))
            redis.stop()
            let health = try await agent.waitForHealth("\"redis_connected\":false")
            #expect(health.status == 200)
            #expect(health.text.contains("\"status\":\"degraded\""))
            #expect(health.text.contains("\"state\":\"outage\""))
            #expect(try await agent.ask(Request.get("/health/ready")).status == 200)
            #expect(try await agent.set("k", 1).status == 200)
            for request in [Request.get("/cache/k"), Request.get("/cache?key=k")] {
                let hit = try await agent.ask(request)
                #expect(hit.text == #"{"success":true,"key":"k","value":1}"#)
                #expect(hit["cache-status"] == "redis-caching-agent; hit; detail=outage")
                #expect(hit["x-cache-degraded"] == "1")
            }
            let journal = try await agent.waitForHealth("\"reason\":\"connect_failed\"")
            #expect(journal.text.contains("\"journal\":{\"keys\":1,\"patterns\":0,"))
            let metrics = try await agent.ask(Request.get("/metrics"))
            #expect(metrics.text.contains("\ncacheagent_redis_state{state=\"outage\"} 1\n"))
            #expect(metrics.text.contains("\ncacheagent_journal_keys 1\n"))
            try redis.start()
            try await agent.waitForHealth(self.connected)
            let back = try await agent.ask(Request.get("/cache/none"))
            #expect(back["cache-status"] == "redis-caching-agent; fwd=miss; detail=redis")
            #expect(back["x-cache-degraded"] == nil)
        }
    }

    @Test func aHangingRedisIsAnsweredForWithinTheDeadline() async throws {
        try await self.withRedis { redis, agent in
            try await agent.waitForHealth(self.connected)
            redis.pause()
            let hung = try await agent.ask(Request.get("/cache/k"))
            #expect(hung.status == 404)
            #expect(hung["cache-status"] == "redis-caching-agent; fwd=miss; detail=outage")
            redis.resume()
        }
    }

    /// It accepts connections, so its address and the network are right: whoever looks for the cause has to look at Redis.
    @Test func aHangingRedisIsUnresponsive() async throws {
        try await self.withRedis(["REDIS_DEAD_TIMEOUT_MS": "100", "REDIS_CONNECT_TIMEOUT_MS": "100"]) { redis, agent in
            try await agent.waitForHealth(self.connected)
            redis.pause()
            _ = try await agent.ask(Request.get("/cache/k"))
            let lost = try await agent.waitForHealth("\"state\":\"outage\"")
            #expect(lost.text.contains("\"reason\":\"unresponsive\",\"detail\":\"Redis accepts connections but does not answer\""))
            // Nor does what an attempt meets with say anything else.
            try await agent.waitForMetric("cacheagent_redis_recovery_failures_total") { $0 >= 3 }
            #expect(try await agent.ask(Request.get("/health")).text.contains("\"reason\":\"unresponsive\""))
            redis.resume()
            try await agent.waitForHealth(self.connected)
            #expect(!agent.logged.contains("cannot be reached") && !agent.logged.contains("was lost"))
        }
    }

    /// Deadlines in a row are an outage: then nobody waits for a deadline any more.
    @Test func deadlinesInARowAreAnOutage() async throws {
        try await self.withRedis(["REDIS_DEAD_TIMEOUT_MS": "60000"]) { redis, agent in
            try await agent.waitForHealth(self.connected)
            redis.pause()
            try await WireClient.connect(port: agent.port) { connection in
                // Each asks for another key, and there are more than needed: Redis may have answered the first before it stood still.
                for index in 0..<16 {
                    try await connection.send(Request.get("/cache/k\(index)"))
                    #expect(try await connection.response().status == 404)
                }
            }
            try await agent.waitForHealth(self.away)
            // The state may have another reason by now, because nothing is answered to new connections either.
            try await agent.waitForLog("Redis does not answer in time")
            redis.resume()
            try await agent.waitForHealth(self.connected)
            #expect(agent.logged.components(separatedBy: "Redis is away").count <= 4, "one line per change, not per request")
        }
    }

    /// More deadlines than make an outage, each followed by an answer of Redis: it is slow now and then, and there.
    @Test func deadlinesBetweenAnswersAreNoOutage() async throws {
        let settings = [
            "REDIS_DEAD_TIMEOUT_MS": "60000", "REDIS_DEADLINE_MS": "200", "REDIS_BREAKER_DEADLINES": "4", "EVENT_LOOPS": "1",
            "NEAR_CACHE": "off",
        ]
        try await self.withRedis(settings) { redis, agent in
            try await agent.waitForHealth(self.connected)
            for _ in 0..<5 {
                redis.pause()
                let late = try await agent.ask(Request.get("/cache/k"))
                #expect(late["cache-status"] == "redis-caching-agent; fwd=miss; detail=outage")
                redis.resume()
                try await eventually("an answer of Redis") {
                    try await agent.ask(Request.get("/cache/k"))["cache-status"] == "redis-caching-agent; fwd=miss; detail=redis"
                }
            }
            #expect(try await agent.metric("cacheagent_redis_deadlines_missed_total") >= 5)
            #expect(try await agent.metric("cacheagent_redis_outages_total") == 1, "the start alone")
        }
    }

    @Test func aStartWithoutRedisServes() async throws {
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:1"]) { agent in
            let set = try await agent.set("k", 1)
            #expect(set["cache-status"] == "redis-caching-agent; fwd=method; stored; detail=outage")
        }
    }

    // MARK: What was written and deleted meanwhile

    /// The old value is in Redis; what happened without it must be known to it before it is asked again.
    @Test(arguments: ["invalidate", "restore"]) func nothingStaleComesBack(_ writes: String) async throws {
        try await self.withRedis(["OUTAGE_WRITES": writes]) { redis, agent in
            try await agent.waitForHealth(self.connected)
            for key in ["written", "deleted", "p:1", "p:2", "short", "kept"] { #expect(try await agent.set(key, 1).status == 200) }
            redis.pause()
            _ = try await agent.get("kept")
            #expect(try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#)).status == 200)
            #expect(try await agent.set("written", 2).status == 200)
            #expect(try await agent.set("p:2", 3).status == 200)
            #expect(try await agent.set("short", 4, ttl: 1).status == 200)
            _ = try await agent.ask(Request.delete("/cache/deleted"))
            #expect(try await agent.get("written") == "2")
            #expect(try await agent.get("deleted") == "404")
            #expect(try await agent.get("p:1") == "404")
            redis.resume()
            let health = try await agent.waitForHealth(self.connected)
            #expect(health.text.contains("\"journal\":{\"keys\":0,\"patterns\":0,\"bytes\":0,\"age_seconds\":0.0,\"delete_everything\":false}"))
            #expect(try await agent.get("written") == (writes == "restore" ? "2" : "404"))
            #expect(try await agent.get("p:2") == (writes == "restore" ? "3" : "404"))
            #expect(try await agent.get("deleted") == "404")
            #expect(try await agent.get("p:1") == "404")
            #expect(try await agent.get("kept") == "1")
            try await eventually("the end of what lives a second") { try await agent.get("short") == "404" }
        }
    }

    @Test func aJournalAtItsBoundDeletesEverythingAndNothingOfAnotherKind() async throws {
        try await self.withRedis(["JOURNAL_MAX_KEYS": "10"]) { redis, agent in
            try await agent.waitForHealth(self.connected)
            for number in 0..<100 { #expect(try await agent.set("k\(number)", 1).status == 200) }
            _ = try await WireClient.connect(port: redis.port) { connection in try await connection.send("LPUSH list a\r\n") }
            redis.pause()
            for number in 0..<100 { _ = try await agent.ask(Request.delete("/cache/k\(number)")) }
            #expect(try await agent.ask(Request.get("/health")).text.contains("\"delete_everything\":true"))
            redis.resume()
            let health = try await agent.waitForHealth(self.connected)
            #expect(health.text.contains("\"deleted_everything\":true"))
            for number in 0..<100 { #expect(try await agent.get("k\(number)") == "404") }
            #expect(try await agent.ask(Request.get("/cache/stats")).text.hasPrefix("{\"total_keys\":1,"))
        }
    }

    /// As a replica does that takes over before it got the last writes: here, a server that starts from an older snapshot.
    @Test func aServerThatLacksTheLastWritesIsNotBelieved() async throws {
        try await self.withRedis(["OUTAGE_WRITES": "invalidate"]) { redis, agent in
            try await agent.waitForHealth(self.connected)
            for key in ["written", "deleted", "p:1", "kept"] { #expect(try await agent.set(key, 1).status == 200) }
            try await WireClient.connect(port: redis.port) { connection in
                try await connection.send("SAVE\r\n")
                // The snapshot gets its name when it is complete.
                try await eventually("a snapshot") {
                    FileManager.default.fileExists(atPath: redis.directory.appendingPathComponent("dump.rdb").path)
                }
            }
            #expect(try await agent.set("written", 2).status == 200)
            #expect(try await agent.ask(Request.delete("/cache/deleted")).status == 200)
            #expect(try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#)).status == 200)
            redis.stop()
            try await agent.waitForHealth(self.away)
            try redis.start()
            try await agent.waitForHealth(self.connected)
            for key in ["written", "deleted", "p:1"] { #expect(try await agent.get(key) == "404", "\(key)") }
        }
    }

    // MARK: What is not known meanwhile

    /// A number of memory's keys looks like one of Redis's, and somebody may act on it.
    @Test func noNumberIsInventedDuringAnOutage() async throws {
        try await self.withRedis { redis, agent in
            try await agent.waitForHealth(self.connected)
            for key in ["p:1", "p:2", "p:3"] { #expect(try await agent.set(key, 1).status == 200) }
            redis.pause()
            _ = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"nothing:*"}"#))
            try await agent.waitForHealth(self.away)
            #expect(try await agent.set("p:4", 1).status == 200)
            let dryRun = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"p:*","dry_run":true}"#))
            #expect(dryRun.status == 200)
            #expect(
                dryRun.text == #"{"success":true,"pattern":"p:*","keys_deleted":0,"dry_run":true,"keys_matched":null,"complete":false,"#
                    + #""message":"Dry run: how many keys match is unknown while Redis is unavailable"}"#)
            #expect(dryRun["x-cache-degraded"] == "1")
            #expect(dryRun["cache-status"] == "redis-caching-agent; fwd=method; detail=outage")
            let queued = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#))
            #expect(queued.status == 200)
            #expect(
                queued.text == #"{"success":true,"pattern":"p:*","keys_deleted":1,"complete":false,"#
                    + #""message":"Invalidation queued: Redis is unavailable, and its matching keys are deleted when it is back"}"#)
            #expect(queued["x-cache-degraded"] == "1")
            let statistics = try await agent.ask(Request.get("/cache/stats"))
            #expect(statistics.text.hasPrefix(#"{"total_keys":0,"#))
            #expect(
                statistics.text.hasSuffix(
                    #","complete":false,"message":"Redis is unavailable: these are the figures of the embedded store that stands in for it"}"#))
            redis.resume()
            try await agent.waitForHealth(self.connected)
            let counted = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"*","dry_run":true}"#))
            #expect(
                counted.text == #"{"success":true,"pattern":"*","keys_deleted":0,"dry_run":true,"keys_matched":0,"#
                    + #""message":"Dry run: nothing was deleted"}"#)
            #expect(try await !agent.ask(Request.get("/cache/stats")).text.contains("complete"))
        }
    }

    // MARK: Stopping without it

    @Test func stoppingWaitsForTheReplay() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50", "OUTAGE_WRITES": "restore"]
        let agent = try await AgentProcess.start(settings)
        try await agent.waitForHealth(self.connected)
        redis.pause()
        #expect(try await agent.set("k", 7).status == 200)
        async let status = agent.terminate()
        // It goes on only when the program has begun to stop, which its closed port shows.
        try await eventually("a closed port") { (try? await agent.ask(Request.get("/health/live"))) == nil }
        redis.resume()
        #expect(await status == 0)
        let logged = await agent.allLogged()
        #expect(!logged.contains("is lost"))
        let next = try await AgentProcess.start(settings)
        try await next.waitForHealth(self.connected)
        #expect(try await next.get("k") == "7")
        #expect(await next.terminate() == 0)
    }

    @Test func stoppingSaysWhatIsLost() async throws {
        let agent = try await AgentProcess.start(["REDIS_URL": "redis://127.0.0.1:1", "SHUTDOWN_GRACE_SECONDS": "1"])
        for number in 0..<3 { #expect(try await agent.set("k\(number)", 1).status == 200) }
        #expect(await agent.terminate() == 0)
        let logged = await agent.allLogged()
        #expect(logged.contains("\"journal.keys\":3"))
        #expect(logged.contains("is lost (3 keys and 0 patterns)"))
    }

    /// The signal comes while an event loop waits for its connection, and nothing is left to be replayed to Redis: there is nothing to wait for.
    @Test func stoppingDoesNotWaitForAConnection() async throws {
        let redis = try await StubRedis.start()
        let agent = try await AgentProcess.start(["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_CONNECT_TIMEOUT_MS": "60000"])
        #expect(await agent.terminate() == 0)
        try await redis.stop()
    }

    // MARK: A Redis that answers with errors

    @Test func aFullRedisIsNoOutage() async throws {
        let patient = ["REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]
        try await self.withRedis(patient, configuration: ["maxmemory 1mb", "maxmemory-policy noeviction"]) { _, agent in
            try await agent.waitForHealth(self.connected)
            var answer = WireResponse()
            let value = String(repeating: "x", count: 100_000)
            for number in 0..<30 where answer.status != 507 {
                answer = try await agent.ask(Request.post("/cache", #"{"key":"k\#(number)","value":"\#(value)"}"#))
            }
            #expect(answer.status == 507)
            #expect(answer.text == #"{"detail":"The cache is out of memory"}"#)
            let read = try await agent.ask(Request.get("/cache/none"))
            #expect(read["cache-status"] == "redis-caching-agent; fwd=miss; detail=redis")
        }
    }

    @Test func aReadOnlyRedisIsAnOutageUntilItCanBeWrittenTo() async throws {
        try await self.withRedis(configuration: ["replicaof 127.0.0.1 1"]) { redis, agent in
            let health = try await agent.waitForHealth("\"reason\":\"read_only\"")
            #expect(health.text.contains("\"detail\":\"Redis is read-only\""))
            #expect(try await agent.set("k", 1).status == 200)
            try await WireClient.connect(port: redis.port) { connection in try await connection.send("REPLICAOF NO ONE\r\n") }
            try await agent.waitForHealth(self.connected)
        }
    }

    @Test func aWrongPasswordIsAClearReason() async throws {
        let redis = try RedisServerProcess(configuration: ["requirepass right"])
        defer { redis.stop() }
        let environment = ["REDIS_URL": "redis://:hunter2@127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50"]
        try await AgentProcess.with(environment) { agent in
            let health = try await agent.waitForHealth("\"reason\":\"authentication_failed\"")
            #expect(health.text.contains("\"detail\":\"Redis refuses the user or the password\""))
            #expect(agent.logged.contains("Redis refuses the user or the password"))
            #expect(!agent.logged.contains("hunter2") && !health.text.contains("hunter2"))
        }
    }

    @Test(arguments: ["get", "set", "unlink"]) func aCommandThatTheUserMayNotRunIsAnOutageWithThatReason(_ command: String) async throws {
        try await self.withRedis(configuration: ["user default on nopass ~* &* +@all -\(command)"]) { _, agent in
            let health = try await agent.waitForHealth("\"reason\":\"not_permitted\"")
            #expect(health.text.contains("\"status\":\"degraded\""))
            #expect(try await agent.set("k", 1).status == 200)
            #expect(try await agent.get("k") == "1")
        }
    }
}
