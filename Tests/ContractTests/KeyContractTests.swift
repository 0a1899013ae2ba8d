import TestSupport
import Testing

/// Set, get, delete of one key, as existing clients rely on it, over a real socket and on both stores.
@Suite(.timeLimit(.minutes(5))) struct KeyContractTests {
    @Test(arguments: Store.available) func setGetDelete(_ store: Store) async throws {
        try await store.withAgent { agent in
            let set = try await agent.ask(Request.post("/cache", #"{"key":"k","value":{"a":[1,2]},"ttl":60}"#))
            #expect(set.status == 200)
            #expect(set.text == #"{"success":true,"key":"k","message":"Value cached successfully with TTL: 60"}"#)
            #expect(set["content-type"] == "application/json")
            #expect(set["cache-status"] == "redis-caching-agent; fwd=method; stored; detail=\(store.rawValue)")
            let hit = try await agent.ask(Request.get("/cache/k"))
            #expect(hit.status == 200)
            #expect(hit.text == #"{"success":true,"key":"k","value":{"a":[1,2]}}"#)
            let status = try #require(hit["cache-status"])
            let remaining = try #require(status.wholeMatch(of: #/redis-caching-agent; hit; ttl=(\d+); detail=(memory|redis)/#), "\(status)")
            #expect((30...60).contains(Int(remaining.1) ?? 0) && remaining.2 == store.rawValue)
            #expect(hit["x-cache-degraded"] == nil)
            let head = try await agent.ask(Request.head("HEAD", "/cache/k") + "\r\n")
            #expect(head.status == 200)
            #expect(head["content-length"] == hit["content-length"])
            let deleted = try await agent.ask(Request.delete("/cache/k"))
            #expect(deleted.text == #"{"success":true,"key":"k","message":"Key deleted successfully"}"#)
            for request in [Request.get("/cache/k"), Request.delete("/cache/k")] {
                let missing = try await agent.ask(request)
                #expect(missing.status == 404)
                #expect(missing.text == #"{"detail":"Key not found"}"#)
                #expect(missing["cache-status"] == "redis-caching-agent; fwd=miss; detail=\(store.rawValue)")
            }
        }
    }

    @Test(arguments: ["null", "absent", "0"]) func withoutExpiry(_ ttl: String) async throws {
        try await AgentProcess.with { agent in
            let member = ttl == "absent" ? "" : #","ttl":\#(ttl)"#
            let set = try await agent.ask(Request.post("/cache", #"{"key":"k","value":1\#(member)}"#))
            #expect(set.text == #"{"success":true,"key":"k","message":"Value cached successfully with TTL: no expiration"}"#)
            let hit = try await agent.ask(Request.get("/cache/k"))
            #expect(hit["cache-status"] == "redis-caching-agent; hit; detail=memory")
        }
    }

    /// Not earlier than it was told to, but for a part of a millisecond: the embedded store counts whole ones.
    @Test(arguments: Store.available) func expires(_ store: Store) async throws {
        try await store.withAgent { agent in
            let start = ContinuousClock.now
            #expect(try await agent.ask(Request.post("/cache", #"{"key":"k","value":1,"ttl":1}"#)).status == 200)
            let status = try await eventually("the end of the key") {
                try await agent.ask(Request.get("/cache/k")).status
            } until: {
                $0 != 200
            }
            #expect(status == 404)
            #expect(ContinuousClock.now - start > .milliseconds(999))
        }
    }

    /// What was stored is what is read, byte for byte.
    @Test(arguments: Store.available) func valuesAreVerbatim(_ store: Store) async throws {
        let values = [
            "null", "true", "0", "-0", "0.1000000000000000055", "1e400", "123456789012345678901234567890", #""""#, #""é\u00e9\ud83d\ude00""#,
            #""\ud800""#, "[]", "{}", #"{"a":1,"a":2}"#, "[ 1 ,  2 ]", #"{"nested":{"deep":[{"x":null}]}}"#, #""\/\b\f\n\r\t\"\\""#,
        ]
        try await store.withAgent { agent in
            try await WireClient.connect(port: agent.port) { connection in
                for value in values {
                    try await connection.send(Request.post("/cache", #"{"value": \#(value) ,"key":"v"}"#))
                    #expect(try await connection.response().status == 200, "\(value)")
                    try await connection.send(Request.get("/cache/v"))
                    #expect(try await connection.response().text == #"{"success":true,"key":"v","value":\#(value)}"#)
                }
            }
        }
    }

    @Test(arguments: Store.available) func everyKeyCanBeNamed(_ store: Store) async throws {
        let spellings: [(json: String, target: String)] = [
            ("a/b", "/cache/a%2Fb"), ("a/b", "/cache/a/b"), ("a/b", "/cache?key=a/b"), ("stats", "/cache?key=stats"),
            ("invalidate", "/cache?key=invalidate"), ("a b", "/cache/a%20b"), ("a b", "/cache?key=a+b"), ("a+b", "/cache/a+b"),
            ("a%20b", "/cache/a%2520b"), (#"\u00e9"#, "/cache/%C3%A9"), (#"q\"uote"#, "/cache/q%22uote"), ("x?y", "/cache/x%3Fy"),
            (#"nul\u0000x"#, "/cache/nul%00x"), ("z", "/cache?other=1&key=y&key=z"), ("..", "/cache?key=.."),
        ]
        try await store.withAgent { agent in
            try await WireClient.connect(port: agent.port) { connection in
                for (json, target) in spellings {
                    try await connection.send(Request.post("/cache", #"{"key":"\#(json)","value":7}"#))
                    #expect(try await connection.response().status == 200, "\(target)")
                    try await connection.send(Request.get(target))
                    let hit = try await connection.response()
                    #expect(hit.status == 200 && hit.text.hasSuffix(#","value":7}"#), "\(target): \(hit.text)")
                    try await connection.send(Request.delete(target))
                    #expect(try await connection.response().status == 200, "\(target)")
                }
            }
        }
    }

    @Test(arguments: Store.available) func valuesOfAMebibyte(_ store: Store) async throws {
        let value = "\"" + String(repeating: "x", count: 1_048_574) + "\""
        try await store.withAgent { agent in
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.post("/cache", #"{"key":"big","value":\#(value)}"#))
                #expect(try await connection.response().status == 200)
                try await connection.send(Request.get("/cache/big"))
                #expect(try await connection.response().text == #"{"success":true,"key":"big","value":\#(value)}"#)
                try await connection.send(Request.post("/cache", #"{"key":"big","value":\#(value.dropLast())x"}"#))
                let refused = try await connection.response()
                #expect(refused.status == 413)
                #expect(refused.text == #"{"detail":"Value too large"}"#)
            }
        }
    }

    /// Values that other clients of Redis wrote.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func foreignValuesInRedis() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]) {
            agent in
            try await WireClient.connect(port: redis.port) { connection in
                try await connection.send("SET text 'say \"hi\"'\r\nSET json '{\"a\": 1}'\r\nSET binary \"\\xff\\xfe\"\r\nRPUSH list 1\r\n")
            }
            var text = try await agent.ask(Request.get("/cache/list"))
            #expect(text.status == 415)
            text = try await agent.ask(Request.get("/cache/text"))
            #expect(text.text == #"{"success":true,"key":"text","value":"say \"hi\""}"#)
            let json = try await agent.ask(Request.get("/cache/json"))
            #expect(json.text == #"{"success":true,"key":"json","value":{"a": 1}}"#)
            let binary = try await agent.ask(Request.get("/cache/binary"))
            #expect(binary.status == 415)
            #expect(binary.text == #"{"detail":"The key does not hold a text value"}"#)
        }
    }
}
