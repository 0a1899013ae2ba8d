import Foundation
import TestSupport
import Testing

/// Everything that is not one key: identity, health, invalidation, statistics, metrics, faults.
@Suite(.timeLimit(.minutes(5))) struct ServiceContractTests {
    @Test func greeting() async throws {
        try await AgentProcess.with { agent in
            let answer = try await agent.ask(Request.get("/"))
            #expect(
                answer.text
                    == #"{"message":"Redis Caching Layer Agent - Google Cloud Run","version":"1.0.0","status":"operational","docs":"/docs"}"#)
        }
    }

    @Test(arguments: Store.available) func health(_ store: Store) async throws {
        try await store.withAgent { agent in
            let answer = try await agent.ask(Request.get("/health"))
            #expect(answer.status == 200)
            let pattern =
                #/\{"status":"healthy","timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}","redis_connected":(true|false),"version":"1\.0\.0","uptime_seconds":\d+,"warnings":\["no API keys[^"]*"\](,"redis":\{"state":"connected",.*\},"near_cache":\{"coherence":"tracking",.*\})?\}/#
            let match = try #require(answer.text.wholeMatch(of: pattern), "\(answer.text)")
            #expect(match.1 == (store == .redis ? "true" : "false"))
            #expect((match.2 != nil) == (store == .redis))
            for path in ["live", "ready", "startup"] {
                #expect(try await agent.ask(Request.get("/health/\(path)")).status == 200)
            }
        }
    }

    @Test(arguments: Store.available) func invalidation(_ store: Store) async throws {
        try await store.withAgent { agent in
            try await WireClient.connect(port: agent.port) { connection in
                for key in ["user:1", "user:2", "user:10", "other"] {
                    try await connection.send(Request.post("/cache", #"{"key":"\#(key)","value":1}"#))
                    #expect(try await connection.response().status == 200)
                }
                try await connection.send(Request.post("/cache/invalidate", #"{"pattern":"user:?"}"#))
                let answer = try await connection.response()
                #expect(
                    answer.text == #"{"success":true,"pattern":"user:?","keys_deleted":2,"message":"Invalidated 2 keys matching pattern"}"#)
                for (key, status) in [("user:1", 404), ("user:2", 404), ("user:10", 200), ("other", 200)] {
                    try await connection.send(Request.get("/cache/\(key)"))
                    #expect(try await connection.response().status == status, "\(key)")
                }
            }
        }
    }

    @Test(arguments: Store.available) func aDryRunCountsAndDeletesNothing(_ store: Store) async throws {
        try await store.withAgent { agent in
            for key in ["a:1", "a:2", "b"] {
                _ = try await agent.ask(Request.post("/cache", #"{"key":"\#(key)","value":1}"#))
            }
            let answer = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"a:*","dry_run":true}"#))
            #expect(
                answer.text
                    == #"{"success":true,"pattern":"a:*","keys_deleted":0,"dry_run":true,"keys_matched":2,"message":"Dry run: nothing was deleted"}"#)
            #expect(try await agent.ask(Request.get("/cache/a:1")).status == 200)
        }
    }

    @Test(arguments: Store.available) func statistics(_ store: Store) async throws {
        try await store.withAgent { agent in
            _ = try await agent.ask(Request.post("/cache", #"{"key":"k","value":1}"#))
            for target in ["/cache/k", "/cache/k", "/cache/k", "/cache/none"] {
                _ = try await agent.ask(Request.get(target))
            }
            for target in ["/cache/stats", "/cache/%73tats"] {
                let answer = try await agent.ask(Request.get(target))
                let figures = try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
                #expect(
                    Set(figures.keys) == [
                        "total_keys", "memory_usage", "connected_clients", "uptime_seconds", "total_commands_processed", "keyspace_hits",
                        "keyspace_misses", "hit_rate",
                    ])
                #expect(figures["total_keys"] as? Int == 1)
                #expect((figures["memory_usage"] as? String)?.last.map { "BKMG".contains($0) } == true)
                let hits = try #require(figures["keyspace_hits"] as? Int)
                let misses = try #require(figures["keyspace_misses"] as? Int)
                #expect(hits >= 3 && misses >= 1)
                let rate = try #require(figures["hit_rate"] as? Double)
                #expect(abs(rate - 100 * Double(hits) / Double(hits + misses)) < 0.01)
            }
        }
    }

    @Test func metrics() async throws {
        try await AgentProcess.with { agent in
            _ = try await agent.ask(Request.post("/cache", #"{"key":"k","value":1}"#))
            _ = try await agent.ask(Request.get("/cache/k"))
            let json = try await agent.ask(Request.get("/metrics", ["Accept: application/json"]))
            let figures = try #require(try JSONSerialization.jsonObject(with: Data(json.body)) as? [String: Any])
            #expect(Set(figures.keys) == ["cache_operations", "response_times", "error_count", "uptime_seconds"])
            #expect((figures["cache_operations"] as? [String: Int]) == ["set": 1, "get": 1, "delete": 0, "invalidate": 0, "stats": 0])
            let text = try await agent.ask(Request.get("/metrics"))
            #expect(text["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(text.text.contains("\ncacheagent_cache_operations_total{operation=\"get\",store=\"memory\",result=\"hit\"} 1\n"))
            #expect(text.text.contains("\ncacheagent_http_requests_total{handler=\"fast_lane\",code=\"200\"} 2\n"))
        }
    }

    @Test func pathsAndVerbs() async throws {
        let cases: [(String, Int, String, allow: String?)] = [
            (Request.get("/nothing"), 404, #"{"detail":"Not Found"}"#, nil), (Request.get("/cache/"), 404, #"{"detail":"Not Found"}"#, nil),
            (Request.post("/cache/k", "{}"), 405, #"{"detail":"Method Not Allowed"}"#, "DELETE, GET, HEAD, PATCH"),
            (
                Request.head("PUT", "/cache/k", ["Content-Length: 0"]) + "\r\n", 405, #"{"detail":"Method Not Allowed"}"#, "DELETE, GET, HEAD, PATCH"
            ), (Request.post("/values/k", "x"), 405, #"{"detail":"Method Not Allowed"}"#, "DELETE, GET, HEAD, PUT"),
            (Request.delete("/health"), 405, #"{"detail":"Method Not Allowed"}"#, "GET, HEAD"),
            (
                Request.head("PUT", "/cache", ["Content-Length: 0"]) + "\r\n", 405, #"{"detail":"Method Not Allowed"}"#,
                "DELETE, GET, HEAD, PATCH, POST"
            ),
            (Request.get("/cache"), 422, #"{"detail":[{"type":"missing","loc":["query","key"],"msg":"Field required","input":null}]}"#, nil),
            (Request.get("/cache?key=a%"), 400, #"{"detail":"Incomplete percent escape in the query"}"#, nil),
            (Request.get("/cache/%zz"), 400, #"{"detail":"Incomplete percent escape in the path"}"#, nil),
        ]
        try await AgentProcess.with { agent in
            for (request, status, body, allow) in cases {
                let answer = try await agent.ask(request)
                #expect(answer.status == status, "\(request)")
                #expect(answer.text == body)
                #expect(answer["allow"] == allow)
                #expect(answer["content-type"] == "application/json")
                #expect(answer["x-process-time"]?.wholeMatch(of: #/0\.\d{9}/#) != nil)
            }
        }
    }

    /// From a directory of the machine, if there is one: the pages work without the internet.
    @Test func assetsOfTheDocumentation() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("assets-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try TestFile.write("style", to: directory.appendingPathComponent("swagger-ui.css").path)
        try TestFile.write("secret", to: directory.appendingPathComponent("other.css").path)
        try await AgentProcess.with(["DOCS_DIRECTORY": directory.path]) { agent in
            let style = try await agent.ask(Request.get("/docs/assets/swagger-ui.css"))
            #expect(style.status == 200 && style.text == "style" && style["content-type"] == "text/css; charset=utf-8")
            #expect(style["content-security-policy"] != nil)
            for path in ["redoc.standalone.js", "other.css", "%2e%2e/other.css", ""] {
                let missing = try await agent.ask(Request.get("/docs/assets/\(path)"))
                #expect(missing.status == 404 && missing.text == #"{"detail":"Not Found"}"#, "\(path)")
            }
            let script = try await agent.ask(Request.get("/docs/assets/documentation.js"))
            #expect(script.status == 200 && script["content-type"] == "text/javascript; charset=utf-8")
            for path in ["swagger-ui.css", "redoc.standalone.js", "documentation.js"] {
                let wrong = try await agent.ask(Request.delete("/docs/assets/\(path)"))
                #expect(wrong.status == 405 && wrong["allow"] == "GET, HEAD", "\(path)")
            }
            #expect(try await agent.ask(Request.delete("/docs/assets/other.css")).status == 404)
        }
        try await AgentProcess.with { agent in
            let answer = try await agent.ask(Request.get("/docs/assets/swagger-ui.css"))
            #expect(answer.status == 404)
        }
    }

    /// RFC 9111, section 5.2.2: a client may keep a value that it asks for again before it uses it, and a shared cache nothing at all.
    @Test(arguments: ["on", "off"]) func cachesInBetweenKeepNothing(_ lane: String) async throws {
        let cases = [
            (Request.post("/cache", #"{"key":"k","value":1}"#), "no-store"), (Request.get("/cache/k"), "private, no-cache"),
            (Request.get("/cache?key=k"), "private, no-cache"), (Request.get("/cache/none"), "private, no-cache"),
            (Request.delete("/cache/k"), "no-store"), (Request.post("/cache/invalidate", #"{"pattern":"*"}"#), "no-store"),
            (Request.get("/cache/stats"), "no-store"), (Request.get("/health/live"), "no-store"), (Request.get("/metrics"), "no-store"),
            (Request.get("/nothing"), "no-store"), (Request.post("/cache", "{}"), "no-store"), (Request.get("/dashboard"), "no-cache"),
        ]
        try await AgentProcess.with(["FAST_LANE": lane]) { agent in
            for (request, expected) in cases {
                let answer = try await agent.ask(request)
                #expect(answer["cache-control"] == expected, "\(request)")
            }
        }
    }

    @Test func validation() async throws {
        let cases: [(String, String)] = [
            (#"{"value":1}"#, #"[{"type":"missing","loc":["body","key"],"msg":"Field required","input":{"value":1}}]"#),
            (
                #"{"key":1,"ttl":"x"}"#,
                #"[{"type":"string_type","loc":["body","key"],"msg":"Input should be a valid string","input":1},{"type":"missing","loc":["body","value"],"msg":"Field required","input":{"key":1,"ttl":"x"}},{"type":"int_parsing","loc":["body","ttl"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"}]"#
            ),
            (
                #"{"key":"k","value":1,"ttl":-5}"#,
                #"[{"type":"greater_than_equal","loc":["body","ttl"],"msg":"Input should be greater than or equal to 0","input":-5,"ctx":{"ge":0}}]"#
            ),
            (
                "{nope",
                #"[{"type":"json_invalid","loc":["body",1],"msg":"JSON decode error","input":{},"ctx":{"error":"Expecting property name enclosed in double quotes"}}]"#
            ),
        ]
        try await AgentProcess.with { agent in
            for (body, detail) in cases {
                let answer = try await agent.ask(Request.post("/cache", body))
                #expect(answer.status == 422)
                #expect(answer.text == "{\"detail\":\(detail)}")
            }
        }
    }

    /// Rendering a date costs more than the rest of a head, so it is kept for a moment; it must not be kept longer.
    @Test(arguments: ["/cache/k", "/health"]) func datesGoOn(_ target: String) async throws {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        try await AgentProcess.with { agent in
            // On one connection: another one may belong to another event loop, whose date is up to a quarter of a second older.
            let dates = try await WireClient.connect(port: agent.port) { connection in
                var dates: [Date] = []
                while dates.count < 3 {
                    let next: Date = try await eventually("another date") {
                        try await connection.send(Request.get(target))
                        let text = try await connection.response()["date"] ?? ""
                        return try #require(formatter.date(from: text), "\(text)")
                    } until: { date in
                        date != dates.last
                    }
                    dates.append(next)
                }
                return dates
            }
            #expect(dates == dates.sorted() && abs(dates[2].timeIntervalSinceNow) < 60)
        }
    }

    @Test func requestIds() async throws {
        try await AgentProcess.with { agent in
            for target in ["/cache/k", "/health"] {
                var made: Set<String> = []
                for _ in 0..<20 { made.insert(try #require(try await agent.ask(Request.get(target))["x-request-id"])) }
                #expect(made.count == 20)
                let echoed = try await agent.ask(Request.get(target, ["X-Request-Id: abc-123"]))
                #expect(echoed["x-request-id"] == "abc-123")
                for unusable in ["with space", "\"quoted\"", String(repeating: "x", count: 129), "<script>"] {
                    let made = try await agent.ask(Request.get(target, ["X-Request-Id: \(unusable)"]))
                    #expect(made["x-request-id"]?.wholeMatch(of: #/[0-9a-f]{32}/#) != nil)
                }
            }
        }
    }
}
