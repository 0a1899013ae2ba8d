import TestSupport
import Testing

/// `/values/{key}`: the value itself as a resource, with the semantics of RFC 9110.
@Suite(.timeLimit(.minutes(5))) struct ValueContractTests {
    static func put(_ target: String, _ body: String, _ fields: [String] = ["Content-Type: text/plain"]) -> String {
        Request.head("PUT", target, ["Content-Length: \(body.utf8.count)"] + fields) + "\r\n" + body
    }

    @Test(arguments: Store.available, ["on", "off"]) func aValueIsWhatWasStored(_ store: Store, _ lane: String) async throws {
        try await store.withAgent(["FAST_LANE": lane]) { agent in
            #expect(try await agent.ask(Request.get("/values/k")).status == 404)
            let created = try await agent.ask(
                Self.put("/values/k?ttl=60", "a,b\n", ["Content-Type: text/csv; header=absent", "Content-Encoding: x-none"]))
            #expect(created.statusLine == "HTTP/1.1 201 Created" && created["content-length"] == "0" && created["content-type"] == nil)
            #expect(created["cache-status"] == "redis-caching-agent; fwd=method; stored; detail=\(store.rawValue)")
            #expect(created["cache-control"] == "no-store")
            let tag = try #require(created["etag"])
            let value = try await agent.ask(Request.get("/values/k"))
            #expect(value.status == 200 && value.text == "a,b\n" && value["etag"] == tag)
            #expect(value["content-type"] == "text/csv; header=absent" && value["content-encoding"] == "x-none" && value["content-length"] == "4")
            #expect(value["cache-control"] == "private, no-cache" && value["accept-ranges"] == "none")
            #expect(value["x-content-type-options"] == "nosniff" && value["content-security-policy"] == "sandbox; default-src 'none'")
            #expect(value["cache-status"]?.contains(#/hit; ttl=(60|5\d|4\d|3\d); /#) == true)
            let head = try await agent.ask(Request.head("HEAD", "/values?key=k") + "\r\n")
            #expect(head.status == 200 && head["content-length"] == "4" && head["content-type"] == "text/csv; header=absent" && head["etag"] == tag)
            let replaced = try await agent.ask(Self.put("/values/k", "other"))
            #expect(replaced.statusLine == "HTTP/1.1 204 No Content" && replaced["content-length"] == nil && replaced["etag"] != tag)
            let second = try await agent.ask(Request.get("/values?key=k"))
            #expect(second.text == "other" && second["cache-status"]?.contains("ttl=") == false && second["content-encoding"] == nil)
            let wrapped = try await agent.ask(Request.get("/cache/k"))
            #expect(wrapped.status == 415 && wrapped.text.contains("/values/"))
            let deleted = try await agent.ask(Request.delete("/values/k"))
            #expect(deleted.statusLine == "HTTP/1.1 204 No Content" && deleted["content-length"] == nil)
            #expect(try await agent.ask(Request.delete("/values/k")).status == 404)
        }
    }

    /// Both doors lead to one value.
    @Test(arguments: Store.available) func jsonIsTheSameForBoth(_ store: Store) async throws {
        try await store.withAgent { agent in
            #expect(try await agent.ask(Request.post("/cache", #"{"key":"k","value":{"a": 1.0}}"#)).status == 200)
            let value = try await agent.ask(Request.get("/values/k"))
            #expect(value.text == #"{"a": 1.0}"# && value["content-type"] == "application/json")
            #expect(try await agent.ask(Request.get("/cache/k"))["etag"] == value["etag"])
            let put = try await agent.ask(Self.put("/values/k", " [1]\n", ["Content-Type: application/json", "Cache-Control: max-age=60"]))
            #expect(put.status == 204)
            #expect(try await agent.ask(Request.get("/cache/k")).text == "{\"success\":true,\"key\":\"k\",\"value\": [1]\n}")
            #expect(try await agent.ask(Request.get("/values/k")).text == " [1]\n")
            let refused = try await agent.ask(Self.put("/values/k", "[1", ["Content-Type: application/json"]))
            #expect(refused.status == 422 && refused.text.contains("json_invalid"))
        }
    }

    @Test(arguments: Store.available) func anyBytesAreAValue(_ store: Store) async throws {
        try await store.withAgent { agent in
            #expect(try await agent.ask(Self.put("/values/empty", "", [])).status == 201)
            let empty = try await agent.ask(Request.get("/values/empty"))
            #expect(empty.status == 200 && empty.body.isEmpty && empty["content-type"] == "application/octet-stream" && empty["etag"] != nil)
            // Such as an envelope begins with, and such as no text has.
            let bytes = [0xFF, 0x01, 0x00, 0x0D, 0x0A] + (0...255).map { UInt8($0) }
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(
                    Array((Request.head("PUT", "/values/binary", ["Content-Length: \(bytes.count)"]) + "\r\n").utf8) + bytes)
                #expect(try await connection.response().status == 201)
                try await connection.send(Request.get("/values/binary"))
                #expect(try await connection.response().body == bytes)
            }
            let long = String(repeating: "x", count: 1 << 20)
            #expect(try await agent.ask(Self.put("/values/long", long)).status == 201)
            #expect(try await agent.ask(Request.get("/values/long")).text == long)
            let tooLong = try await agent.ask(Self.put("/values/long", long + "x"))
            #expect(tooLong.status == 413)
        }
    }

    @Test func whatIsWrong() async throws {
        try await AgentProcess.with { agent in
            let refused = try await agent.ask(Self.put("/values/k?ttl=-1", "x", ["Content-Type: text"]))
            #expect(refused.status == 422)
            #expect(refused.text.contains(#"{"type":"greater_than_equal","loc":["query","ttl"]"#))
            #expect(refused.text.contains(#"{"type":"string_pattern_mismatch","loc":["header","content-type"]"#))
            #expect(try await agent.ask(Self.put("/values", "x")).status == 422)
            #expect(try await agent.ask(Self.put("/values/", "x")).status == 404)
            #expect(try await agent.ask(Self.put("/values/stats", "x")).status == 201, "no names are taken there")
            #expect(try await agent.ask(Request.get("/values/stats")).text == "x")
        }
    }

    /// Values that other clients of Redis wrote.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func foreignValuesInRedis() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        try await WireClient.connect(port: redis.port) { connection in
            try await connection.send("SET text 'say hi'\r\nSET json '{\"a\": 1}'\r\nSET binary \"\\xff\\xfe\"\r\nRPUSH list 1\r\n")
        }
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]) {
            agent in
            for (key, type) in [("text", "text/plain; charset=utf-8"), ("json", "application/json"), ("binary", "application/octet-stream")] {
                let value = try await agent.ask(Request.get("/values/\(key)"))
                #expect(value.status == 200 && value["content-type"] == type && value["etag"] != nil, "\(key)")
            }
            #expect(try await agent.ask(Request.get("/values/binary")).body == [0xFF, 0xFE])
            #expect(try await agent.ask(Request.get("/values/list")).status == 415)
        }
    }
}
