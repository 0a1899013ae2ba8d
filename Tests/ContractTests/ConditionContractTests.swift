import Foundation
import TestSupport
import Testing

/// Requests that expect something of the value that there is, over real sockets, on both stores and across instances.
@Suite(.timeLimit(.minutes(5))) struct ConditionContractTests {
    private func put(_ body: String, _ fields: String..., target: String = "/values/k") -> String {
        ValueContractTests.put(target, body, ["Content-Type: text/plain"] + fields)
    }

    @Test(arguments: Store.available, ["on", "off"]) func whatTheClientHasIsNotSentAgain(_ store: Store, _ lane: String) async throws {
        try await store.withAgent(["FAST_LANE": lane]) { agent in
            #expect(try await agent.set("k", 1, ttl: 60).status == 200)
            for target in ["/cache/k", "/cache?key=k", "/values/k", "/values?key=k"] {
                let full = try await agent.ask(Request.get(target))
                let tag = try #require(full["etag"], "\(target)")
                for method in ["GET", "HEAD"] {
                    let answer = try await agent.ask(Request.head(method, target, ["If-None-Match: \"x\", W/\(tag)"]) + "\r\n")
                    #expect(answer.statusLine == "HTTP/1.1 304 Not Modified" && answer.body.isEmpty, "\(method) \(target)")
                    #expect(answer["etag"] == tag && answer["cache-control"] == "private, no-cache" && answer["x-request-id"] != nil)
                    #expect(answer["cache-status"]?.contains("hit; ttl=") == true)
                    #expect(answer["content-length"] == nil && answer["content-type"] == nil && answer["transfer-encoding"] == nil)
                }
                #expect(try await agent.ask(Request.get(target, ["If-None-Match: \"x\""])).text == full.text)
                #expect(try await agent.ask(Request.get(target, ["If-None-Match: \"x\"", "If-None-Match: \(tag)"])).status == 304)
                #expect(try await agent.ask(Request.get(target, ["If-Match: \"x\""])).status == 412)
                #expect(try await agent.ask(Request.get(target, ["If-Match: \(tag)"])).status == 200)
            }
            #expect(try await agent.ask(Request.get("/cache/none", ["If-None-Match: *"])).status == 404)
        }
    }

    @Test(arguments: Store.available) func changes(_ store: Store) async throws {
        try await store.withAgent { agent in
            #expect(try await agent.ask(self.put("a", "If-Match: *")).status == 412, "there is nothing to replace")
            #expect(try await agent.ask(Request.get("/values/k")).status == 404)
            let created = try await agent.ask(self.put("a", "If-None-Match: *"))
            #expect(created.status == 201)
            let tag = try #require(created["etag"])
            let again = try await agent.ask(self.put("b", "If-None-Match: *"))
            #expect(again.status == 412 && again.text == #"{"detail":"The value is not as the request expects it"}"#)
            #expect(try await agent.ask(self.put("b", "If-Match: \"x\"")).status == 412)
            #expect(try await agent.ask(self.put("b", "If-Match: W/\(tag)")).status == 412)
            #expect(try await agent.ask(Request.get("/values/k")).text == "a")
            let replaced = try await agent.ask(self.put("b", "If-Match: \"x\", \(tag)", target: "/values/k?ttl=60"))
            #expect(replaced.status == 204 && replaced["etag"] != tag)
            let second = try await agent.ask(Request.get("/values/k"))
            #expect(second.text == "b" && second["cache-status"]?.contains("ttl=") == true)
            #expect(try await agent.ask(self.put("c", "If-Match: *")).status == 204)
            #expect(try await agent.ask(Request.delete("/values/k", ["If-Match: \(tag)"])).status == 412)
            #expect(try await agent.ask(Request.delete("/values/none", ["If-Match: \(tag)"])).status == 404)
            let last = try #require(try await agent.ask(Request.get("/values/k"))["etag"])
            #expect(try await agent.ask(Request.delete("/values/k", ["If-Match: \(last)"])).status == 204)
            #expect(try await agent.ask(Request.get("/values/k")).status == 404)
            let conflicts = #"cacheagent_cache_operations_total{operation="set",store="\#(store.rawValue)",result="conflict"}"#
            #expect(try await agent.metric(conflicts) == 4)
        }
    }

    /// What was set through `/cache` may be replaced under a condition, and the other way round.
    @Test(arguments: Store.available) func theTagOfEitherDoorCounts(_ store: Store) async throws {
        try await store.withAgent { agent in
            #expect(try await agent.set("k", 1).status == 200)
            let tag = try #require(try await agent.ask(Request.get("/cache/k"))["etag"])
            let put = ValueContractTests.put("/values/k", "2", ["Content-Type: application/json", "If-Match: \(tag)"])
            #expect(try await agent.ask(put).status == 204)
            #expect(try await agent.get("k") == "2")
        }
    }

    /// A counter that 64 clients of two instances raise by comparing and setting loses no increment.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func noIncrementIsLost() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let environment = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]
        let (clients, increments) = (64, 4)
        try await AgentProcess.with(environment) { first in
            try await AgentProcess.with(environment) { second in
                #expect(try await first.ask(self.put("0")).status == 201)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in 0..<clients {
                        let port = client % 2 == 0 ? first.port : second.port
                        group.addTask { try await Self.increment(port, times: increments) }
                    }
                    try await group.waitForAll()
                }
                #expect(try await second.ask(Request.get("/values/k", ["Cache-Control: no-cache"])).text == "\(clients * increments)")
            }
        }
    }

    private static func increment(_ port: Int, times: Int) async throws {
        try await WireClient.connect(port: port) { connection in
            var left = times
            while left > 0 {
                try await connection.send(Request.get("/values/k"))
                let value = try await connection.response()
                guard let count = Int(value.text), let tag = value["etag"] else { throw TestProcessError(reason: "\(value)") }
                try await connection.send(ValueContractTests.put("/values/k", "\(count + 1)", ["Content-Type: text/plain", "If-Match: \(tag)"]))
                let status = try await connection.response().status
                switch status {
                case 204: left -= 1
                // Somebody was faster; so many clients on one key may even be kept from their turn.
                case 412, 503: break
                default: throw TestProcessError(reason: "\(status)")
                }
            }
        }
    }

    @Test(.enabled(if: RedisServerProcess.isAvailable)) func whileRedisIsAway() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        try await AgentProcess.with(["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_RECONNECT_CAP_MS": "50"]) { agent in
            try await agent.waitForHealth(#""status":"healthy""#)
            redis.stop()
            try await agent.waitForHealth(#""redis_connected":false"#)
            let plain = try await agent.ask(self.put("a"))
            #expect([201, 204].contains(plain.status) && plain["x-cache-degraded"] == "1")
            let tag = try #require(plain["etag"])
            for request in [self.put("b", "If-Match: \(tag)"), self.put("b", "If-None-Match: *"), Request.delete("/values/k", ["If-Match: \(tag)"])] {
                let answer = try await agent.ask(request)
                #expect(answer.status == 503 && answer["retry-after"] == "1" && answer["x-cache-degraded"] == "1")
            }
            let read = try await agent.ask(Request.get("/values/k"))
            #expect(read.text == "a" && read["etag"] == tag)
            #expect(try await agent.ask(Request.get("/values/k", ["If-None-Match: \(tag)"])).status == 304)
            try redis.start()
            try await agent.waitForHealth(#""status":"healthy""#)
            #expect(try await agent.ask(self.put("b", "If-Match: \(tag)")).status == 204)
        }
    }

    @Test(.enabled(if: RedisServerProcess.isAvailable)) func aFullRedis() async throws {
        let redis = try RedisServerProcess(configuration: ["maxmemory-policy noeviction"])
        defer { redis.stop() }
        let environment = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]
        try await AgentProcess.with(environment) { agent in
            try await agent.waitForHealth(#""status":"healthy""#)
            #expect(try await agent.ask(self.put("a")).status == 201)
            try await redis.run("CONFIG SET maxmemory 1")
            #expect(try await agent.ask(self.put("b", "If-Match: *")).status == 507)
            #expect(try await agent.ask(Request.get("/values/k")).text == "a")
            #expect(try await agent.ask(Request.get("/health")).text.contains(#""status":"healthy""#))
        }
    }
}
