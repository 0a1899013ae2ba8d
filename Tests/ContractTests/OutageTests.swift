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

    func waitForHealth(_ text: String, _ agent: AgentProcess) async throws -> WireResponse {
        while true {
            let health = try await WireClient.exchange(port: agent.port, Request.get("/health"))
            if health.text.contains(text) { return health }
        }
    }

    func exchange(_ agent: AgentProcess, _ request: String) async throws -> WireResponse {
        try await WireClient.exchange(port: agent.port, request)
    }

    func set(_ agent: AgentProcess, _ key: String, _ value: Int, ttl: Int? = nil) async throws -> WireResponse {
        let member = ttl.map { ",\"ttl\":\($0)" } ?? ""
        return try await self.exchange(agent, Request.post("/cache", "{\"key\":\"\(key)\",\"value\":\(value)\(member)}"))
    }

    func get(_ agent: AgentProcess, _ key: String) async throws -> String {
        let answer = try await self.exchange(agent, Request.get("/cache/\(key)"))
        guard answer.status == 200 else { return "\(answer.status)" }
        return String(answer.text.dropLast().split(separator: ":").last ?? "")
    }

    let connected = "\"status\":\"healthy\""
    let away = "\"state\":\"outage\""

    // MARK: While it is away

    @Test func theEmbeddedStoreServesWhileRedisIsAway() async throws {
        try await self.withRedis { redis, agent in
            let healthy = try await self.waitForHealth(self.connected, agent)
            #expect(healthy.text.contains("\"redis_connected\":true"))
            #expect(healthy.text.contains("\"reason\":null"))
            redis.stop()
            let health = try await self.waitForHealth("\"redis_connected\":false", agent)
            #expect(health.status == 200)
            #expect(health.text.contains("\"status\":\"degraded\""))
            #expect(health.text.contains("\"state\":\"outage\""))
            #expect(try await self.exchange(agent, Request.get("/health/ready")).status == 200)
            #expect(try await self.set(agent, "k", 1).status == 200)
            for request in [Request.get("/cache/k"), Request.get("/cache?key=k")] {
                let hit = try await self.exchange(agent, request)
                #expect(hit.text == #"{"success":true,"key":"k","value":1}"#)
                #expect(hit["cache-status"] == "redis-caching-agent; hit; detail=outage")
                #expect(hit["x-cache-degraded"] == "1")
            }
            let journal = try await self.waitForHealth("\"reason\":\"connect_failed\"", agent)
            #expect(journal.text.contains("\"journal\":{\"keys\":1,\"patterns\":0,"))
            let metrics = try await self.exchange(agent, Request.get("/metrics"))
            #expect(metrics.text.contains("\ncacheagent_redis_state{state=\"outage\"} 1\n"))
            #expect(metrics.text.contains("\ncacheagent_journal_keys 1\n"))
            try redis.start()
            _ = try await self.waitForHealth(self.connected, agent)
            let back = try await self.exchange(agent, Request.get("/cache/none"))
            #expect(back["cache-status"] == "redis-caching-agent; fwd=miss; detail=redis")
            #expect(back["x-cache-degraded"] == nil)
        }
    }

    @Test func aHangingRedisIsAnsweredForWithinTheDeadline() async throws {
        try await self.withRedis { redis, agent in
            _ = try await self.waitForHealth(self.connected, agent)
            redis.pause()
            let hung = try await self.exchange(agent, Request.get("/cache/k"))
            #expect(hung.status == 404)
            #expect(hung["cache-status"] == "redis-caching-agent; fwd=miss; detail=outage")
            redis.resume()
        }
    }

    /// It accepts connections, so its address and the network are right: whoever looks for the cause has to look at Redis.
    @Test func aHangingRedisIsUnresponsive() async throws {
        try await self.withRedis(["REDIS_DEAD_TIMEOUT_MS": "100", "REDIS_CONNECT_TIMEOUT_MS": "100"]) { redis, agent in
            _ = try await self.waitForHealth(self.connected, agent)
            redis.pause()
            _ = try await self.exchange(agent, Request.get("/cache/k"))
            let lost = try await self.waitForHealth("\"state\":\"outage\"", agent)
            #expect(lost.text.contains("\"reason\":\"unresponsive\",\"detail\":\"Redis accepts connections but does not answer\""))
            // Nor does what an attempt meets with say anything else.
            while try await self.metric("cacheagent_redis_recovery_failures_total", agent) < 3 {}
            #expect(try await self.exchange(agent, Request.get("/health")).text.contains("\"reason\":\"unresponsive\""))
            redis.resume()
            _ = try await self.waitForHealth(self.connected, agent)
            #expect(!agent.logged.contains("cannot be reached") && !agent.logged.contains("was lost"))
        }
    }

    func metric(_ sample: String, _ agent: AgentProcess) async throws -> Int {
        let text = try await self.exchange(agent, Request.get("/metrics")).text
        let line = text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? -1
    }

    /// Deadlines in a row are an outage: then nobody waits for a deadline any more.
    @Test func deadlinesInARowAreAnOutage() async throws {
        try await self.withRedis(["REDIS_DEAD_TIMEOUT_MS": "60000"]) { redis, agent in
            _ = try await self.waitForHealth(self.connected, agent)
            redis.pause()
            try await WireClient.connect(port: agent.port) { connection in
                for _ in 0..<8 {
                    try await connection.send(Request.get("/cache/k"))
                    #expect(try await connection.response().status == 404)
                }
            }
            _ = try await self.waitForHealth("\"reason\":\"deadline_exceeded\"", agent)
            redis.resume()
            _ = try await self.waitForHealth(self.connected, agent)
            #expect(agent.logged.contains("Redis does not answer in time"))
            #expect(agent.logged.components(separatedBy: "Redis is away").count <= 4, "one line per change, not per request")
        }
    }

    @Test func aStartWithoutRedisServes() async throws {
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:1"]) { agent in
            let set = try await self.set(agent, "k", 1)
            #expect(set["cache-status"] == "redis-caching-agent; fwd=method; stored; detail=outage")
        }
    }

    // MARK: What was written and deleted meanwhile

    /// The old value is in Redis; what happened without it must be known to it before it is asked again.
    @Test(arguments: ["invalidate", "restore"]) func nothingStaleComesBack(_ writes: String) async throws {
        try await self.withRedis(["OUTAGE_WRITES": writes]) { redis, agent in
            _ = try await self.waitForHealth(self.connected, agent)
            for key in ["written", "deleted", "p:1", "p:2", "short", "kept"] { #expect(try await self.set(agent, key, 1).status == 200) }
            redis.pause()
            _ = try await self.get(agent, "kept")
            #expect(try await self.exchange(agent, Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#)).status == 200)
            #expect(try await self.set(agent, "written", 2).status == 200)
            #expect(try await self.set(agent, "p:2", 3).status == 200)
            #expect(try await self.set(agent, "short", 4, ttl: 1).status == 200)
            _ = try await self.exchange(agent, Request.delete("/cache/deleted"))
            #expect(try await self.get(agent, "written") == "2")
            #expect(try await self.get(agent, "deleted") == "404")
            #expect(try await self.get(agent, "p:1") == "404")
            redis.resume()
            let health = try await self.waitForHealth(self.connected, agent)
            #expect(health.text.contains("\"journal\":{\"keys\":0,\"patterns\":0,\"bytes\":0,\"age_seconds\":0.0,\"delete_everything\":false}"))
            #expect(try await self.get(agent, "written") == (writes == "restore" ? "2" : "404"))
            #expect(try await self.get(agent, "p:2") == (writes == "restore" ? "3" : "404"))
            #expect(try await self.get(agent, "deleted") == "404")
            #expect(try await self.get(agent, "p:1") == "404")
            #expect(try await self.get(agent, "kept") == "1")
            while try await self.get(agent, "short") != "404" {}
        }
    }

    @Test func aJournalAtItsBoundDeletesEverythingAndNothingOfAnotherKind() async throws {
        try await self.withRedis(["JOURNAL_MAX_KEYS": "10"]) { redis, agent in
            _ = try await self.waitForHealth(self.connected, agent)
            for number in 0..<100 { #expect(try await self.set(agent, "k\(number)", 1).status == 200) }
            _ = try await WireClient.connect(port: redis.port) { connection in try await connection.send("LPUSH list a\r\n") }
            redis.pause()
            for number in 0..<100 { _ = try await self.exchange(agent, Request.delete("/cache/k\(number)")) }
            #expect(try await self.exchange(agent, Request.get("/health")).text.contains("\"delete_everything\":true"))
            redis.resume()
            let health = try await self.waitForHealth(self.connected, agent)
            #expect(health.text.contains("\"deleted_everything\":true"))
            for number in 0..<100 { #expect(try await self.get(agent, "k\(number)") == "404") }
            #expect(try await self.exchange(agent, Request.get("/cache/stats")).text.hasPrefix("{\"total_keys\":1,"))
        }
    }

    /// As a replica does that takes over before it got the last writes: here, a server that starts from an older snapshot.
    @Test func aServerThatLacksTheLastWritesIsNotBelieved() async throws {
        try await self.withRedis(["OUTAGE_WRITES": "invalidate"]) { redis, agent in
            _ = try await self.waitForHealth(self.connected, agent)
            for key in ["written", "deleted", "p:1", "kept"] { #expect(try await self.set(agent, key, 1).status == 200) }
            try await WireClient.connect(port: redis.port) { connection in
                try await connection.send("SAVE\r\n")
                // The snapshot gets its name when it is complete.
                while !FileManager.default.fileExists(atPath: redis.directory.appendingPathComponent("dump.rdb").path) { await Task.yield() }
            }
            #expect(try await self.set(agent, "written", 2).status == 200)
            #expect(try await self.exchange(agent, Request.delete("/cache/deleted")).status == 200)
            #expect(try await self.exchange(agent, Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#)).status == 200)
            redis.stop()
            _ = try await self.waitForHealth(self.away, agent)
            try redis.start()
            _ = try await self.waitForHealth(self.connected, agent)
            for key in ["written", "deleted", "p:1"] { #expect(try await self.get(agent, key) == "404", "\(key)") }
        }
    }

    // MARK: What is not known meanwhile

    /// A number of memory's keys looks like one of Redis's, and somebody may act on it.
    @Test func noNumberIsInventedDuringAnOutage() async throws {
        try await self.withRedis { redis, agent in
            _ = try await self.waitForHealth(self.connected, agent)
            for key in ["p:1", "p:2", "p:3"] { #expect(try await self.set(agent, key, 1).status == 200) }
            redis.pause()
            _ = try await self.exchange(agent, Request.post("/cache/invalidate", #"{"pattern":"nothing:*"}"#))
            _ = try await self.waitForHealth(self.away, agent)
            #expect(try await self.set(agent, "p:4", 1).status == 200)
            let dryRun = try await self.exchange(agent, Request.post("/cache/invalidate", #"{"pattern":"p:*","dry_run":true}"#))
            #expect(dryRun.status == 200)
            #expect(
                dryRun.text == #"{"success":true,"pattern":"p:*","keys_deleted":0,"dry_run":true,"keys_matched":null,"complete":false,"#
                    + #""message":"Dry run: how many keys match is unknown while Redis is unavailable"}"#)
            #expect(dryRun["x-cache-degraded"] == "1")
            #expect(dryRun["cache-status"] == "redis-caching-agent; fwd=method; detail=outage")
            let queued = try await self.exchange(agent, Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#))
            #expect(queued.status == 200)
            #expect(
                queued.text == #"{"success":true,"pattern":"p:*","keys_deleted":1,"complete":false,"#
                    + #""message":"Invalidation queued: Redis is unavailable, and its matching keys are deleted when it is back"}"#)
            #expect(queued["x-cache-degraded"] == "1")
            let statistics = try await self.exchange(agent, Request.get("/cache/stats"))
            #expect(statistics.text.hasPrefix(#"{"total_keys":0,"#))
            #expect(
                statistics.text.hasSuffix(
                    #","complete":false,"message":"Redis is unavailable: these are the figures of the embedded store that stands in for it"}"#))
            redis.resume()
            _ = try await self.waitForHealth(self.connected, agent)
            let counted = try await self.exchange(agent, Request.post("/cache/invalidate", #"{"pattern":"*","dry_run":true}"#))
            #expect(
                counted.text == #"{"success":true,"pattern":"*","keys_deleted":0,"dry_run":true,"keys_matched":0,"#
                    + #""message":"Dry run: nothing was deleted"}"#)
            #expect(try await !self.exchange(agent, Request.get("/cache/stats")).text.contains("complete"))
        }
    }

    // MARK: Stopping without it

    @Test func stoppingWaitsForTheReplay() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50", "OUTAGE_WRITES": "restore"]
        let agent = try await AgentProcess.start(settings)
        _ = try await self.waitForHealth(self.connected, agent)
        redis.pause()
        #expect(try await self.set(agent, "k", 7).status == 200)
        async let status = agent.terminate()
        // It goes on only when the program has begun to stop, which its closed port shows.
        while (try? await WireClient.exchange(port: agent.port, Request.get("/health/live"))) != nil {}
        redis.resume()
        #expect(await status == 0)
        let logged = await agent.allLogged()
        #expect(!logged.contains("is lost"))
        let next = try await AgentProcess.start(settings)
        #expect(try await self.get(next, "k") == "7")
        #expect(await next.terminate() == 0)
    }

    @Test func stoppingSaysWhatIsLost() async throws {
        let agent = try await AgentProcess.start(["REDIS_URL": "redis://127.0.0.1:1", "SHUTDOWN_GRACE_SECONDS": "1"])
        for number in 0..<3 { #expect(try await self.set(agent, "k\(number)", 1).status == 200) }
        #expect(await agent.terminate() == 0)
        let logged = await agent.allLogged()
        #expect(logged.contains("\"journal.keys\":3"))
        #expect(logged.contains("is lost (3 keys and 0 patterns)"))
    }

    /// The signal comes while an event loop waits for its connection, and nothing is left to be told to Redis: there is nothing to wait for.
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
            _ = try await self.waitForHealth(self.connected, agent)
            var answer = WireResponse()
            let value = String(repeating: "x", count: 100_000)
            for number in 0..<30 where answer.status != 507 {
                answer = try await self.exchange(agent, Request.post("/cache", #"{"key":"k\#(number)","value":"\#(value)"}"#))
            }
            #expect(answer.status == 507)
            #expect(answer.text == #"{"detail":"The cache is out of memory"}"#)
            let read = try await self.exchange(agent, Request.get("/cache/none"))
            #expect(read["cache-status"] == "redis-caching-agent; fwd=miss; detail=redis")
        }
    }

    @Test func aReadOnlyRedisIsAnOutageUntilItCanBeWrittenTo() async throws {
        try await self.withRedis(configuration: ["replicaof 127.0.0.1 1"]) { redis, agent in
            let health = try await self.waitForHealth("\"reason\":\"read_only\"", agent)
            #expect(health.text.contains("\"detail\":\"Redis is read-only\""))
            #expect(try await self.set(agent, "k", 1).status == 200)
            try await WireClient.connect(port: redis.port) { connection in try await connection.send("REPLICAOF NO ONE\r\n") }
            _ = try await self.waitForHealth(self.connected, agent)
        }
    }

    @Test func aWrongPasswordIsAClearReason() async throws {
        let redis = try RedisServerProcess(configuration: ["requirepass right"])
        defer { redis.stop() }
        let environment = ["REDIS_URL": "redis://:hunter2@127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50"]
        try await AgentProcess.with(environment) { agent in
            let health = try await self.waitForHealth("\"reason\":\"authentication_failed\"", agent)
            #expect(health.text.contains("\"detail\":\"Redis refuses the user or the password\""))
            #expect(agent.logged.contains("Redis refuses the user or the password"))
            #expect(!agent.logged.contains("hunter2") && !health.text.contains("hunter2"))
        }
    }

    @Test(arguments: ["get", "set", "unlink"]) func aCommandThatTheUserMayNotRunIsAnOutageWithThatReason(_ command: String) async throws {
        try await self.withRedis(configuration: ["user default on nopass ~* &* +@all -\(command)"]) { _, agent in
            let health = try await self.waitForHealth("\"reason\":\"not_permitted\"", agent)
            #expect(health.text.contains("\"status\":\"degraded\""))
            #expect(try await self.set(agent, "k", 1).status == 200)
            #expect(try await self.get(agent, "k") == "1")
        }
    }
}
