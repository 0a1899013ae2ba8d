import TestSupport
import Testing

/// One write invalidates every value that bears a tag.
@Suite(.timeLimit(.minutes(5))) struct TagContractTests {
    private static let tagged = #","ttl":60,"tags":["prd:7","agent"]"#

    @Test(arguments: Store.available) func anInvalidatedTagMakesItsValuesMisses(_ store: Store) async throws {
        try await store.withAgent(["EVENT_LOOPS": "2"]) { agent in
            for index in 0..<20 { #expect(try await agent.store("k\(index)", "\(index)", members: Self.tagged).status == 200) }
            #expect(try await agent.store("other", members: #","ttl":60,"tags":["agent"]"#).status == 200)
            for index in 0..<20 { #expect(try await agent.get("k\(index)") == "\(index)") }
            let answer = try await agent.invalidate(tag: "prd:7")
            #expect(answer.text == #"{"success":true,"tag":"prd:7","message":"Invalidated tag"}"#)
            for index in 0..<20 { #expect(try await agent.get("k\(index)") == "404") }
            #expect(try await agent.get("other") == "1")
            #expect(try await agent.store("k0", "7", members: Self.tagged).status == 200)
            #expect(try await agent.get("k0") == "7")
            #expect(try await agent.metric("cacheagent_cache_invalidated_tags_total") == 1)
            #expect(try await agent.metric("cacheagent_cache_outdated_values_total") == 20)
        }
    }

    /// Whoever takes a lease may have read what an invalidation is about.
    @Test(arguments: Store.available) func aValueIsAsOldAsItsLease(_ store: Store) async throws {
        try await store.withAgent { agent in
            let token = try await agent.takeLease("k")
            #expect(try await agent.invalidate(tag: "prd:7").status == 200)
            #expect(try await agent.fill("k", token, members: Self.tagged).status == 409)
            #expect(try await agent.get("k") == "404")
            #expect(try await agent.ask(Request.delete("/cache/k")).status == 200)
            let next = try await agent.takeLease("k")
            #expect(try await agent.fill("k", next, members: Self.tagged).status == 200)
            #expect(try await agent.get("k") == "1")
        }
    }

    /// Versions of tags are keys, which patterns may match.
    @Test(arguments: Store.available, ["redis-caching-agent:tag:prd:7", "redis-*", "*:7", "*"])
    func aPatternInvalidatesTagsToo(_ store: Store, _ pattern: String) async throws {
        try await store.withAgent { agent in
            #expect(try await agent.store("other", members: Self.tagged).status == 200)
            #expect(try await agent.get("other") == "1")
            let token = try await agent.takeLease("k")
            #expect(try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"\#(pattern)"}"#)).status == 200)
            #expect(try await agent.get("other") == "404")
            #expect(try await agent.fill("k", token, members: Self.tagged).status == 409)
        }
    }

    /// What is deleted are keys of clients, and versions that the pattern matches.
    @Test(arguments: Store.available) func anInvalidationCountsWhatItMatches(_ store: Store) async throws {
        try await store.withAgent { agent in
            for key in ["a", "b"] { #expect(try await agent.store(key).status == 200) }
            for (pattern, count) in [("*", 2), ("*", 0), ("redis-*", 0)] {
                let answer = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"\#(pattern)"}"#))
                #expect(answer.text.contains(#""keys_deleted":\#(count)"#), "\(answer.text)")
            }
        }
    }

    /// Else the value would end with the version of its tag.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func aValueThatIsProlongedProlongsTheVersionsOfItsTags() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:\(redis.port)"]) { agent in
            try await agent.waitForHealth("\"status\":\"healthy\"")
            for key in ["a", "b"] { #expect(try await agent.store(key, members: #","ttl":60,"tags":["t"]"#).status == 200) }
            let version = "redis-caching-agent:tag:t"
            func life() async throws -> Int { try await Int(redis.run("TTL \(version)").filter(\.isNumber)) ?? -9 }
            #expect(try await redis.run("EXPIRE \(version) 100") == ":1\r\n")
            let body = #"{"ttl":50}"#
            let patch = Request.head("PATCH", "/cache/a", ["Content-Length: \(body.utf8.count)"]) + "\r\n" + body
            #expect(try await agent.ask(patch).status == 200)
            try await eventually("at least a day") { try await life() > 86_000 }
            let touch = #"{"operations":[{"op":"touch","key":"b","ttl":86400}]}"#
            #expect(try await agent.ask(Request.post("/cache/batch", touch)).status == 200)
            try await eventually("twice as long as the value") { try await life() > 172_000 }
            #expect(try await agent.ask(patch).status == 200)
            #expect(try await agent.get("a") == "1")
            #expect(try await life() > 172_000, "no version is shortened")
        }
    }

    /// An invalidated value is no value: its lease is free, and what was computed beside it is void.
    @Test(arguments: Store.available) func anInvalidationFreesTheLeaseOfAStaleValue(_ store: Store) async throws {
        try await store.withAgent { agent in
            _ = try await agent.store("k", members: #","ttl":1,"stale":60,"tags":["prd:7"]"#)
            let stale = try await eventually("a stale value") {
                try await agent.lease("k", seconds: 60)
            } until: {
                $0.leaseToken != nil
            }
            #expect(stale.status == 200)
            #expect(try await agent.invalidate(tag: "prd:7").status == 200)
            let next = try await agent.lease("k")
            #expect(next.status == 404)
            #expect(next.leaseToken != nil)
            let staleToken = try #require(stale.leaseToken)
            #expect(try await agent.fill("k", staleToken).status == 409)
        }
    }

    @Test(.enabled(if: RedisServerProcess.isAvailable)) func everyInstanceAndWhoeverHasRedisSeesIt() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]
        try await AgentProcess.with(settings) { one in
            try await AgentProcess.with(settings) { two in
                for agent in [one, two] { try await agent.waitForHealth("\"status\":\"healthy\"") }
                #expect(try await one.store("k", members: Self.tagged).status == 200)
                try await eventually("a copy") {
                    try await two.ask(Request.get("/cache/k"))["cache-status"]?.hasSuffix("detail=near") == true
                }
                #expect(try await one.invalidate(tag: "agent").status == 200)
                try await eventually("the invalidation") { try await two.get("k") == "404" }
                // Another program deletes the version.
                #expect(try await one.store("k", members: Self.tagged).status == 200)
                #expect(try await one.get("k") == "1")
                #expect(try await redis.run("DEL redis-caching-agent:tag:agent") == ":1\r\n")
                try await eventually("the deletion") { try await one.get("k") == "404" }
            }
        }
    }

    @Test(.enabled(if: RedisServerProcess.isAvailable)) func inAnOutageItIsQueued() async throws {
        let redis = try RedisServerProcess(configuration: ["appendonly yes", "appendfsync always"])
        defer { redis.stop() }
        try await AgentProcess.with([
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50", "REDIS_DEADLINE_MS": "5000",
            "REDIS_DEAD_TIMEOUT_MS": "5000",
        ]) { agent in
            try await agent.waitForHealth("\"status\":\"healthy\"")
            #expect(try await agent.store("k", members: Self.tagged).status == 200)
            try await eventually("a copy") { try await agent.ask(Request.get("/cache/k"))["cache-status"]?.hasSuffix("detail=near") == true }
            redis.stop()
            try await agent.waitForHealth("\"state\":\"outage\"")
            #expect(try await agent.get("k") == "1", "what was last known")
            let answer = try await agent.invalidate(tag: "agent")
            #expect(answer.status == 200)
            #expect(answer.text.contains(#""complete":false"#))
            #expect(answer["x-cache-degraded"] == "1")
            #expect(try await agent.get("k") == "404")
            try redis.start()
            try await agent.waitForHealth("\"status\":\"healthy\"")
            #expect(try await agent.get("k") == "404", "the invalidation was replayed")
        }
    }

    static let wrong = [
        #"{"key":"k","value":1,"tags":["a"]}"#, #"{"key":"k","value":1,"stale":1}"#, #"{"key":"k","value":1,"ttl":1,"tags":[""]}"#,
        #"{"key":"redis-caching-agent:tag:a","value":1}"#,
    ]

    @Test(arguments: wrong) func whatCannotBeIsRefused(_ body: String) async throws {
        try await Store.memory.withAgent { agent in
            let requests = [
                Request.post("/cache", body), Request.get("/cache/redis-caching-agent:tag:a"), Request.delete("/cache/redis-caching-agent:tag:a"),
            ]
            for request in requests {
                let answer = try await agent.ask(request)
                #expect(answer.status == 422)
            }
        }
    }

    /// Tags are confined as keys are.
    @Test func aPrefixHoldsForTags() async throws {
        try await AccessFixture.withAgent(scopes: "read,write,invalidate", prefix: "agent:") { agent, field in
            let requests = [
                ("/cache", #"{"key":"agent:1","value":1,"ttl":60,"tags":["agent:t"]}"#, 200),
                ("/cache", #"{"key":"agent:1","value":1,"ttl":60,"tags":["other"]}"#, 403),
                ("/cache/invalidate", #"{"tag":"agent:t"}"#, 200), ("/cache/invalidate", #"{"tag":"other"}"#, 403),
            ]
            for (path, body, status) in requests {
                let answer = try await agent.ask(Request.post(path, body, [field]))
                #expect(answer.status == status)
            }
        }
    }
}
