import TestSupport
import Testing

/// `PATCH /cache/{key}`: another time to live for a value that stays as it is.
@Suite(.timeLimit(.minutes(5))) struct TimeToLiveContractTests {
    private func patch(_ agent: AgentProcess, _ target: String, _ body: String) async throws -> WireResponse {
        try await agent.ask(Request.head("PATCH", target, ["Content-Length: \(body.utf8.count)"]) + "\r\n" + body)
    }

    @Test(arguments: Store.available) func aNewTimeToLive(_ store: Store) async throws {
        try await store.withAgent { agent in
            let missing = try await self.patch(agent, "/cache/k", #"{"ttl":60}"#)
            #expect(missing.status == 404 && missing.text == #"{"detail":"Key not found"}"#)
            #expect(missing["cache-status"] == "redis-caching-agent; fwd=miss; detail=\(store.rawValue)")
            #expect(try await agent.set("k", 1).status == 200)
            let changed = try await self.patch(agent, "/cache/k", #"{"ttl":"60"}"#)
            #expect(changed.status == 200 && changed.text == #"{"success":true,"key":"k","message":"Time to live set: 60"}"#)
            #expect(changed["cache-status"] == "redis-caching-agent; fwd=method; detail=\(store.rawValue)")
            #expect(changed["cache-control"] == "no-store" && changed["x-cache-degraded"] == nil)
            let hit = try await agent.ask(Request.get("/cache/k"))
            #expect(hit["cache-status"]?.contains(#/hit; ttl=(60|5\d|4\d|3\d); /#) == true)
            let endless = try await self.patch(agent, "/cache?key=k", #"{"ttl":0,"more":1}"#)
            #expect(endless.text == #"{"success":true,"key":"k","message":"Time to live set: 0"}"#)
            let last = try await agent.ask(Request.get("/cache/k"))
            #expect(last["cache-status"]?.contains("ttl=") == false && last.text == #"{"success":true,"key":"k","value":1}"#)
            #expect(try await agent.metric(#"cacheagent_cache_operations_total{operation="expire",store="\#(store.rawValue)",result="stored"}"#) == 2)
            #expect(try await agent.metric(#"cacheagent_cache_operations_total{operation="expire",store="\#(store.rawValue)",result="miss"}"#) == 1)
        }
    }

    @Test func whatIsWrong() async throws {
        try await AgentProcess.with { agent in
            for (body, type) in [
                ("{}", "missing"), (#"{"ttl":null}"#, "int_type"), (#"{"ttl":-1}"#, "greater_than_equal"), (#"{"ttl":1.5}"#, "int_from_float"),
                (#"{"ttl":[]}"#, "int_type"), (#"{"ttl":315360001}"#, "less_than_equal"), ("", "missing"), ("{", "json_invalid"),
                ("[]", "model_attributes_type"),
            ] {
                let answer = try await self.patch(agent, "/cache/k", body)
                #expect(answer.status == 422 && answer.text.contains(#""type":"\#(type)""#), "\(body): \(answer.text)")
            }
            #expect(try await self.patch(agent, "/cache", #"{"ttl":1}"#).status == 422)
            #expect(try await self.patch(agent, "/cache/", #"{"ttl":1}"#).status == 404)
        }
    }

    /// A user of Redis who may not run scripts: the rest of the service goes on.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func aUserWithoutPermission() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        try await redis.run("ACL SETUSER default -eval")
        let environment = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]
        try await AgentProcess.with(environment) { agent in
            try await agent.waitForHealth(#""status":"healthy""#)
            #expect(try await agent.set("k", 1).status == 200)
            for ttl in [0, 60] {
                let refused = try await self.patch(agent, "/cache/k", #"{"ttl":\#(ttl)}"#)
                #expect(refused.status == 503 && refused["retry-after"] == "1" && refused["x-cache-degraded"] == nil)
            }
            #expect(try await agent.set("k", 2).status == 200)
            let health = try await agent.ask(Request.get("/health"))
            #expect(health.text.contains(#""refused_commands":["EVAL"]"#) && health.text.contains(#""status":"healthy""#))
            try await redis.run("ACL SETUSER default +eval")
            #expect(try await self.patch(agent, "/cache/k", #"{"ttl":0}"#).status == 200)
            #expect(try await agent.ask(Request.get("/health")).text.contains(#""refused_commands":[]"#))
        }
    }

    @Test(.enabled(if: RedisServerProcess.isAvailable)) func whileRedisIsAway() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:\(redis.port)"]) { agent in
            try await agent.waitForHealth(#""status":"healthy""#)
            redis.stop()
            try await agent.waitForHealth(#""redis_connected":false"#)
            #expect(try await agent.set("k", 1).status == 200)
            let answer = try await self.patch(agent, "/cache/k", #"{"ttl":60}"#)
            #expect(answer.status == 503 && answer["retry-after"] == "1" && answer["x-cache-degraded"] == "1")
            #expect(answer.text == #"{"detail":"Redis is needed for this request and did not answer; try again"}"#)
        }
    }
}
