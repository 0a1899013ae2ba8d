import Access
import TestSupport
import Testing

/// `POST /cache/batch` over sockets, on the fast lane and in the router, on both stores.
@Suite(.timeLimit(.minutes(5))) struct BatchContractTests {
    private static let ways = Store.available.flatMap { store in ["on", "off"].map { (store, $0) } }

    private static func batch(_ operations: String..., fields: [String] = []) -> String {
        Request.post("/cache/batch", #"{"operations":[\#(operations.joined(separator: ","))]}"#, fields)
    }

    private static func get(_ key: String) -> String { #"{"op":"get","key":"\#(key)"}"# }
    private static func set(_ key: String, _ value: String) -> String { #"{"op":"set","key":"\#(key)","value":\#(value)}"# }
    private static func delete(_ key: String) -> String { #"{"op":"delete","key":"\#(key)"}"# }

    /// The status of each result.
    private static func statuses(_ answer: WireResponse) -> [String] {
        answer.text.ranges(of: #"{"status":"#).map { String(answer.text[$0.upperBound...].prefix(3)) }
    }

    @Test(arguments: ways) func everyResultIsThatOfTheSingleCall(_ store: Store, _ lane: String) async throws {
        try await store.withAgent(["FAST_LANE": lane]) { agent in
            let answer = try await agent.ask(
                Self.batch(Self.set("a", #"{"x": 1}"#), Self.get("a"), Self.get("none"), Self.delete("a"), Self.delete("a"), Self.get("a")))
            #expect(answer.status == 200 && answer["content-type"] == "application/json" && answer["x-request-id"] != nil)
            #expect(answer["cache-status"] == "redis-caching-agent; fwd=method; detail=\(store.rawValue)")
            #expect(
                answer.text == #"{"results":[{"status":200,"success":true,"key":"a","message":"Value cached successfully with TTL: no expiration"},"#
                    + #"{"status":200,"success":true,"key":"a","value":{"x": 1}},{"status":404,"key":"none","detail":"Key not found"},"#
                    + #"{"status":200,"success":true,"key":"a","message":"Key deleted successfully"},"#
                    + #"{"status":404,"key":"a","detail":"Key not found"},{"status":404,"key":"a","detail":"Key not found"}]}"#)
            #expect(try await agent.ask(Self.batch()).text == #"{"results":[]}"#)
            #expect(try await agent.metric("cacheagent_http_batches_total") == 2)
            #expect(try await agent.metric("cacheagent_http_batch_operations_total") == 6)
            #expect(try await agent.metric(#"cacheagent_cache_operations_total{operation="get",store="\#(store.rawValue)",result="miss"}"#) == 2)
        }
    }

    @Test(arguments: ways) func aTagIsThatOfTheSingleCall(_ store: Store, _ lane: String) async throws {
        try await store.withAgent(["FAST_LANE": lane]) { agent in
            let tagged = #"{"op":"get","key":"a","etag":true}"#
            for stored in [Self.set("a", #"{"x": 1}"#), #"{"op":"set","key":"a","value":[7],"ttl":60,"tags":["t"]}"#] {
                #expect(try await agent.ask(Self.batch(stored)).status == 200)
                let single = try await agent.ask(Request.get("/cache/a"))
                let tag = try #require(single["etag"]).replacing("\"", with: "\\\"")
                let answer = try await agent.ask(Self.batch(tagged, Self.get("a"), #"{"op":"get","key":"none","etag":true}"#))
                let plain = #"{"status":200,"# + single.text.dropFirst()
                #expect(
                    answer.text == #"{"results":[\#(plain.dropLast()),"etag":"\#(tag)"},\#(plain),"#
                        + #"{"status":404,"key":"none","detail":"Key not found"}]}"#)
            }
        }
    }

    @Test(arguments: ways) func aFaultRefusesTheWhole(_ store: Store, _ lane: String) async throws {
        try await store.withAgent(["FAST_LANE": lane, "BATCH_MAX_OPERATIONS": "3", "VALUE_MAX_BYTES": "8"]) { agent in
            let refused = try await agent.ask(Self.batch(Self.set("a", "1"), #"{"op":"set","key":"b"}"#))
            #expect(refused.status == 422 && refused.text.contains(#""loc":["body","operations",1,"value"]"#))
            let tooMany = try await agent.ask(Self.batch(Self.set("a", "1"), Self.get("a"), Self.get("a"), Self.get("a")))
            #expect(tooMany.status == 422 && tooMany.text.contains(#""type":"too_long""#))
            let tooLarge = try await agent.ask(Self.batch(Self.set("a", "1"), Self.set("b", "123456789")))
            #expect(tooLarge.status == 413 && tooLarge.text == #"{"detail":"Value too large"}"#)
            #expect(try await agent.get("a") == "404", "nothing was carried out")
            #expect(try await agent.ask(Self.batch(Self.set("a", "1"), Self.get("a"), Self.get("a"))).status == 200)
        }
    }

    /// With any other method the path is that of a key.
    @Test func batchIsAKeyToo() async throws {
        try await AgentProcess.with([:]) { agent in
            #expect(try await agent.set("batch", 7).status == 200)
            #expect(try await agent.get("batch") == "7")
            let answer = try await agent.ask(Self.batch(Self.get("batch")))
            #expect(Self.statuses(answer) == ["200"])
            #expect(try await agent.ask(Request.delete("/cache/batch")).status == 200)
        }
    }

    // MARK: Tags and staleness

    private static func tagged(_ key: String, _ tag: String, _ members: String = #","ttl":60"#) -> String {
        #"{"op":"set","key":"\#(key)","value":1,"tags":["\#(tag)"]\#(members)}"#
    }

    @Test(arguments: ways) func valuesMayHaveTagsAndBeStale(_ store: Store, _ lane: String) async throws {
        try await store.withAgent(["FAST_LANE": lane]) { agent in
            let stale = #"{"op":"set","key":"c","value":3,"ttl":1,"stale":60}"#
            let answer = try await agent.ask(
                Self.batch(Self.set("a", "0"), Self.tagged("a", "t"), Self.get("a"), Self.tagged("b", "u"), Self.set("b", "2"), stale))
            #expect(Self.statuses(answer) == ["200", "200", "200", "200", "200", "200"])
            #expect(answer.text.contains(#""key":"a","value":1}"#) && answer.text.contains("TTL: 60") && answer.text.contains("TTL: 1\""))
            #expect(try await agent.invalidate(tag: "t").status == 200)
            #expect(try await agent.invalidate(tag: "u").status == 200)
            let after = try await agent.ask(Self.batch(Self.get("a"), Self.get("b"), Self.get("c")))
            #expect(Self.statuses(after) == ["404", "200", "200"], "b was replaced by a value without tags")
            let answered = try await eventually("a stale value") {
                try await agent.ask(Request.get("/cache/c"))
            } until: {
                $0["x-cache-stale"] == "1"
            }
            #expect(answered.text.contains(#""value":3}"#))
            let touched = try await agent.ask(Self.batch(Self.tagged("e", "t"), #"{"op":"touch","key":"e","ttl":0}"#))
            #expect(touched.text.hasSuffix(#"{"status":422,"key":"e","detail":"A value with tags needs a time to live"}]}"#))
            let endless = try await agent.ask(Self.batch(Self.set("d", "1"), Self.tagged("d", "t", "")))
            #expect(endless.status == 422 && endless.text.contains(#""loc":["body","operations",1,"ttl"]"#))
            #expect(try await agent.get("d") == "404")
        }
    }

    @Test(.enabled(if: RedisServerProcess.isAvailable), arguments: ["on", "off"]) func tagsWorkInAnOutage(_ lane: String) async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "FAST_LANE": lane, "EVENT_LOOPS": "1"]) { agent in
            try await agent.waitForHealth("\"status\":\"healthy\"")
            redis.stop()
            let answer = try await agent.ask(Self.batch(Self.tagged("a", "t"), Self.tagged("b", "u"), Self.get("a")))
            #expect(Self.statuses(answer) == ["200", "200", "200"] && answer["x-cache-degraded"] == "1")
            _ = try await agent.invalidate(tag: "t")
            #expect(Self.statuses(try await agent.ask(Self.batch(Self.get("a"), Self.get("b")))) == ["404", "200"])
        }
    }

    @Test(arguments: ["on", "off"]) func aTagTakesAccessAsItsKeyDoes(_ lane: String) async throws {
        let key = NewAccessKey()
        try await AgentProcess.with(["FAST_LANE": lane, "API_KEYS": "agents sha256:\(key.digest.hex) read,write agent:"]) { agent in
            let fields = ["X-API-Key: \(key.secret)"]
            let outside = try await agent.ask(Self.batch(Self.tagged("agent:1", "other"), fields: fields))
            #expect(outside.status == 403 && outside.text == #"{"detail":"The key is outside of what these credentials may use"}"#)
            let inside = try await agent.ask(Self.batch(Self.tagged("agent:1", "agent:t"), Self.get("agent:1"), fields: fields))
            #expect(Self.statuses(inside) == ["200", "200"])
        }
    }

    // MARK: Access and rate

    @Test(arguments: ["on", "off"]) func oneKeyThatIsNotAllowedRefusesTheWhole(_ lane: String) async throws {
        let (reader, agents) = (NewAccessKey(), NewAccessKey())
        let keys = "reader sha256:\(reader.digest.hex) read;agents sha256:\(agents.digest.hex) read,write agent:"
        try await AgentProcess.with(["FAST_LANE": lane, "API_KEYS": keys]) { agent in
            func ask(_ key: NewAccessKey?, _ operations: String...) async throws -> WireResponse {
                let fields = key.map { ["X-API-Key: \($0.secret)"] } ?? []
                return try await agent.ask(Request.post("/cache/batch", #"{"operations":[\#(operations.joined(separator: ","))]}"#, fields))
            }
            #expect(try await ask(nil).status == 401)
            #expect(try await ask(nil, Self.get("a")).status == 401)
            #expect(try await ask(reader).text == #"{"results":[]}"#)
            #expect(try await ask(reader, Self.get("a"), Self.get("b")).status == 200)
            let lacks = try await ask(reader, Self.get("a"), Self.set("agent:1", "1"))
            #expect(lacks.status == 403 && lacks.text == #"{"detail":"These credentials lack the scope write"}"#)
            let outside = try await ask(agents, Self.set("agent:1", "1"), Self.get("other"))
            #expect(outside.status == 403 && outside.text == #"{"detail":"The key is outside of what these credentials may use"}"#)
            let inside = try await ask(agents, Self.get("agent:1"), Self.set("agent:1", "1"), Self.delete("agent:1"))
            #expect(Self.statuses(inside) == ["404", "200", "200"])
        }
    }

    @Test(arguments: ["on", "off"]) func everyOperationCountsAgainstTheRate(_ lane: String) async throws {
        let key = NewAccessKey()
        let settings = [
            "FAST_LANE": lane, "API_KEYS": "k sha256:\(key.digest.hex) all", "RATE_LIMIT_PER_SECOND": "1", "RATE_LIMIT_BURST": "100",
        ]
        try await AgentProcess.with(settings) { agent in
            let gets = Request.post(
                "/cache/batch", #"{"operations":[\#((0..<60).map { Self.get("\($0)") }.joined(separator: ","))]}"#, ["X-API-Key: \(key.secret)"])
            #expect(try await agent.ask(gets).status == 200)
            let refused = try await agent.ask(gets)
            #expect(refused.status == 429 && refused["retry-after"] != nil)
        }
    }

    // MARK: Long answers

    @Test(arguments: ways) func longAnswersComeWhole(_ store: Store, _ lane: String) async throws {
        try await store.withAgent(["FAST_LANE": lane, "BATCH_MAX_RESPONSE_BYTES": "5000000"]) { agent in
            let value = "\"" + String(repeating: "v", count: 900_000) + "\""
            for key in 0..<8 { #expect(try await agent.ask(Request.post("/cache", #"{"key":"\#(key)","value":\#(value)}"#)).status == 200) }
            let all = Request.post("/cache/batch", #"{"operations":[\#((0..<8).map { Self.get("\($0)") }.joined(separator: ","))]}"#)
            try await WireClient.connect(port: agent.port) { connection in
                for _ in 0..<2 {
                    try await connection.send(all)
                    let answer = try await connection.response()
                    #expect(Self.statuses(answer) == ["200", "200", "200", "200", "200", "413", "413", "413"])
                    #expect(answer.text.ranges(of: value).count == 5 && answer.text.hasSuffix("]}"))
                    #expect(answer["content-length"] == "\(answer.text.utf8.count)")
                }
            }
            #expect(try await agent.metric("cacheagent_http_batch_values_too_large_total") == 6)
            try await agent.waitForMetric("cacheagent_http_unsent_bytes") { $0 == 0 }
        }
    }

    /// Clients that ask for much and read nothing: the process holds what it may, and lets go of the values that come then.
    @Test(arguments: ["on", "off"]) func answersThatNobodyReadsAreBounded(_ lane: String) async throws {
        try await Store.available.last?.withAgent(["FAST_LANE": lane, "UNSENT_TOTAL_MAX_BYTES": "16777216", "NEAR_CACHE": "off"]) { agent in
            let value = "\"" + String(repeating: "v", count: 900_000) + "\""
            #expect(try await agent.ask(Request.post("/cache", #"{"key":"k","value":\#(value)}"#)).status == 200)
            let gets = Request.post("/cache/batch", #"{"operations":[\#((0..<100).map { _ in Self.get("k") }.joined(separator: ","))]}"#)
            let before = try agent.residentBytes()
            try await WireClient.connect(port: agent.port, receiveBuffer: 4096) { one in
                try await WireClient.connect(port: agent.port, receiveBuffer: 4096) { two in
                    try await one.send(gets)
                    try await two.send(gets)
                    try await agent.waitForMetric("cacheagent_http_batch_values_too_large_total") { $0 >= 1 }
                    // The values of the last step are counted when they are there.
                    #expect(try await agent.metric("cacheagent_http_unsent_bytes") < 20_000_000)
                    // Without any bound it were 90 MB each, and a copy of them.
                    let grown = try agent.residentBytes() - before
                    #expect(grown < 80 << 20)
                }
            }
            try await agent.waitForMetric("cacheagent_http_unsent_bytes") { $0 == 0 }
            #expect(try await agent.ask(Request.get("/cache/k")).status == 200)
        }
    }

    // MARK: Redis

    /// The commands of a batch reach Redis in one piece: it reads a few times, not once for each.
    @Test(.enabled(if: RedisServerProcess.isAvailable), arguments: ["on", "off"]) func aBatchIsOneWrite(_ lane: String) async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        func reads() async throws -> Int {
            let text = try await redis.run("INFO stats")
            return text.split(separator: "\r\n").first { $0.hasPrefix("total_reads_processed:") }.flatMap { Int($0.split(separator: ":")[1]) } ?? 0
        }
        let settings = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000", "FAST_LANE": lane,
            "EVENT_LOOPS": "1",
        ]
        try await AgentProcess.with(settings) { agent in
            try await agent.waitForHealth("\"status\":\"healthy\"")
            let gets = Request.post("/cache/batch", #"{"operations":[\#((0..<400).map { Self.get("\($0)") }.joined(separator: ","))]}"#)
            let before = try await reads()
            let answer = try await agent.ask(gets)
            #expect(Self.statuses(answer).count == 400)
            let count = try await reads() - before
            #expect(count < 40, "Redis has read \(count) times")
        }
    }

    /// How often Redis has carried out a command.
    private static func calls(_ command: String, of redis: RedisServerProcess) async throws -> Int {
        let text = try await redis.run("INFO commandstats")
        let line = text.split(separator: "\r\n").first { $0.hasPrefix("cmdstat_\(command):calls=") }
        return line.flatMap { Int($0.split(separator: "=")[1].prefix { $0.isNumber }) } ?? 0
    }

    /// However many values of a batch bear a tag, its version is read once.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func aTagIsReadOnceForABatch() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000", "NEAR_CACHE": "off",
        ]
        try await AgentProcess.with(settings) { agent in
            try await agent.waitForHealth("\"status\":\"healthy\"")
            let before = try await Self.calls("get", of: redis)
            let members = #","ttl":60,"tags":["t"]"#
            let sets = (0..<20).map { #"{"op":"set","key":"k\#($0)","value":1\#(members)}"# }.joined(separator: ",")
            #expect(Self.statuses(try await agent.ask(Request.post("/cache/batch", #"{"operations":[\#(sets)]}"#))).allSatisfy { $0 == "200" })
            #expect(try await Self.calls("get", of: redis) - before == 1)
            #expect(try await agent.get("k19") == "1")
            #expect(try await agent.ask(Request.post("/cache/invalidate", #"{"tag":"t"}"#)).status == 200)
            #expect(try await agent.ask(Request.get("/cache/k19")).status == 404)
        }
    }

    /// No result shows a time to live, so Redis is not asked for it unless a copy is kept.
    @Test(.enabled(if: RedisServerProcess.isAvailable), arguments: ["on", "off"]) func readsDoNotAskForTheTimeToLive(_ lane: String) async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000", "FAST_LANE": lane,
            "EVENT_LOOPS": "1", "NEAR_CACHE": "off",
        ]
        try await AgentProcess.with(settings) { agent in
            try await agent.waitForHealth("\"status\":\"healthy\"")
            _ = try await agent.ask(Self.batch(Self.set("a", "1"), Self.set("b", "2")))
            let before = try await Self.calls("get", of: redis)
            let answer = try await agent.ask(Self.batch(Self.get("a"), Self.get("b"), Self.get("none"), Self.get("a")))
            #expect(Self.statuses(answer) == ["200", "200", "404", "200"])
            let reads = try await Self.calls("get", of: redis) - before
            #expect(reads == 4)
            #expect(try await Self.calls("pttl", of: redis) == 0)
            #expect(try await agent.get("a") == "1")
            #expect(try await Self.calls("pttl", of: redis) == 1, "the answer to a single read says what remains")
        }
    }

    @Test(.enabled(if: RedisServerProcess.isAvailable), arguments: ["on", "off"]) func copiesAnswerWithoutRedisAndOrderHolds(_ lane: String)
        async throws
    {
        try await Store.redis.withAgent(["FAST_LANE": lane, "EVENT_LOOPS": "1"]) { agent in
            _ = try await agent.ask(Self.batch(Self.set("a", "1"), Self.set("b", "2")))
            // The first read of a key is not kept, the second is.
            _ = try await eventually("copies") {
                try await agent.ask(Self.batch(Self.get("a"), Self.get("b")))
            } until: { answer in
                answer["cache-status"] == "redis-caching-agent; fwd=method; detail=near"
            }
            let mixed = try await agent.ask(
                Self.batch(Self.get("a"), Self.set("a", "3"), Self.get("a"), Self.delete("a"), Self.get("a"), Self.get("b")))
            #expect(Self.statuses(mixed) == ["200", "200", "200", "200", "404", "200"])
            #expect(mixed.text.contains(#""key":"a","value":1}"#) && mixed.text.contains(#""key":"a","value":3}"#))
            #expect(mixed["cache-status"] == "redis-caching-agent; fwd=method")
        }
    }

    /// Redis goes away under batches: every one is answered, in order of its keys, and what was stored last is what is read afterwards.
    @Test(.enabled(if: RedisServerProcess.isAvailable), arguments: ["on", "off"]) func redisGoesAwayUnderBatches(_ lane: String) async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50", "FAST_LANE": lane]
        try await AgentProcess.with(settings) { agent in
            try await agent.waitForHealth("\"status\":\"healthy\"")
            try await WireClient.connect(port: agent.port) { connection in
                for round in 0..<200 {
                    if round == 50 { redis.stop() }
                    let operations = (0..<20).flatMap {
                        [Self.set("k\($0)", "\(round)"), Self.get("k\($0)"), Self.set("k\($0)", "-\(round)"), Self.get("k\($0)")]
                    }
                    try await connection.send(Request.post("/cache/batch", #"{"operations":[\#(operations.joined(separator: ","))]}"#))
                    let answer = try await connection.response()
                    #expect(answer.status == 200 && Self.statuses(answer).allSatisfy { $0 == "200" })
                    #expect(
                        answer.text.ranges(of: #""value":\#(round)}"#).count == 20 && answer.text.ranges(of: #""value":-\#(round)}"#).count == 20
                            || round == 0)
                    if round == 199 {
                        #expect(answer["cache-status"] == "redis-caching-agent; fwd=method; detail=outage" && answer["x-cache-degraded"] == "1")
                    }
                }
            }
            try redis.start()
            try await agent.waitForHealth("\"status\":\"healthy\"")
            #expect(try await agent.get("k7") == "-199")
        }
    }

    /// A Redis that hangs: the deadline of one command is that of the batch.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func aHangingRedisIsAnsweredFor() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:\(redis.port)"]) { agent in
            try await agent.waitForHealth("\"status\":\"healthy\"")
            redis.pause()
            let answer = try await agent.ask(Self.batch(Self.set("a", "1"), Self.get("a"), Self.get("b"), Self.delete("a"), Self.get("a")))
            redis.resume()
            #expect(Self.statuses(answer) == ["200", "200", "404", "200", "404"])
            #expect(answer["cache-status"] == "redis-caching-agent; fwd=method; detail=outage")
        }
    }
}
