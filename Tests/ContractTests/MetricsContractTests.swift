import Console
import Foundation
import Telemetry
import TestSupport
import Testing

/// What a scraper gets from the built program.
@Suite(.timeLimit(.minutes(5))) struct MetricsContractTests {
    private static let promtool = CommandLineTool("promtool")

    private func scrape(_ agent: AgentProcess, _ fields: [String] = []) async throws -> WireResponse {
        try await agent.ask(Request.get("/metrics", fields))
    }

    private func exercise(_ agent: AgentProcess) async throws {
        for request in [
            Request.post("/cache", #"{"key":"k","value":1}"#), Request.get("/cache/k"), Request.get("/cache?key=k"), Request.get("/cache/none"),
            Request.delete("/cache/k"), Request.delete("/cache/k"), Request.post("/cache/invalidate", #"{"pattern":"*"}"#),
            Request.post("/cache/invalidate", #"{"pattern":"*","dry_run":true}"#), Request.get("/cache/stats"), Request.get("/nothing"),
            Request.post("/cache", "{"),
        ] { _ = try await agent.ask(request) }
    }

    @Test(arguments: Store.available) func everythingIsCounted(_ store: Store) async throws {
        try await store.withAgent { agent in
            try await self.exercise(agent)
            // The service hears of a client's close a little after the client: one connection remains, the scrape's.
            let scrape = try await eventually("one connection") {
                try await self.scrape(agent)
            } until: {
                $0.metric("cacheagent_http_connections") == 1
            }
            let name = store.rawValue
            for (operation, result, count) in [
                ("set", "stored", 1), ("get", "hit", 2), ("get", "miss", 1), ("delete", "deleted", 1), ("delete", "miss", 1),
                ("invalidate", "deleted", 1), ("invalidate", "read", 1), ("stats", "read", 1),
            ] {
                let sample = #"cacheagent_cache_operations_total{operation="\#(operation)",store="\#(name)",result="\#(result)"}"#
                #expect(scrape.metric(sample) == Double(count), "\(sample)")
            }
            #expect(scrape.metric(#"cacheagent_cache_operation_duration_seconds_count{operation="get"}"#) == 3)
            #expect(scrape.metric("cacheagent_cache_hits_total") == 2)
            #expect(scrape.metric("cacheagent_cache_misses_total") == 1)
            #expect(try #require(scrape.metric("cacheagent_cache_hit_ratio")).rounded() == 1)
            #expect(scrape.metric(#"cacheagent_http_requests_total{handler="router",code="422"}"#) == 1)
            #expect(scrape.metric(#"cacheagent_http_requests_total{handler="router",code="404"}"#) == 1)
            #expect(scrape.metric("cacheagent_http_requests_in_flight") == 1, "the scrape itself")
            #expect(try #require(scrape.metric("cacheagent_http_received_bytes_total")) > 500)
            #expect(try #require(scrape.metric("cacheagent_http_sent_bytes_total")) > 1000)
            #expect(scrape.metric("cacheagent_redis_connected") == (store == .redis ? 1 : 0))
            if store == .redis {
                #expect(try #require(scrape.metric("cacheagent_redis_connections")) >= 1)
                #expect(scrape.metric("cacheagent_redis_deadlines_missed_total") == 0)
                #expect(scrape.metric(#"cacheagent_redis_state{state="connected"}"#) == 1)
            }
            #expect(try #require(scrape.metric("process_resident_memory_bytes")) > 1e6)
        }
    }

    /// Every family of the list is there, and no other; each once, with its help.
    @Test(arguments: Store.available) func theListIsTheScrape(_ store: Store) async throws {
        try await store.withAgent { agent in
            try await self.exercise(agent)
            let text = try await self.scrape(agent).text
            let types = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.compactMap { $0.split(separator: " ").dropFirst(2).first }
            let found = types.map(String.init)
            #expect(Set(found).count == found.count)
            let prefixes = ["redis_", "near_", "journal_", "replay_", "recent_writes_"].map { "cacheagent_" + $0 }
            // Those of a cluster are ClusterHealthContractTests'.
            let ofCluster = MetricCatalogue.all.map(\.name).filter { $0.hasPrefix("cacheagent_cluster_") }
            let ofRedis = MetricCatalogue.all.map(\.name).filter { name in
                name != "cacheagent_redis_connected" && prefixes.contains { name.hasPrefix($0) }
            }
            let expected =
                MetricCatalogue.all.map(\.name).filter { !ofCluster.contains($0) && (store == .redis || !ofRedis.contains($0)) }
                + ["cacheagent_cache_invalidated_keys_total", "cacheagent_cache_invalidated_tags_total"]
            #expect(Set(found) == Set(expected))
        }
    }

    private func expect(_ agent: AgentProcess, _ samples: [String: Double]) async throws {
        let scrape = try await self.scrape(agent)
        for (sample, value) in samples { #expect(scrape.metric("cacheagent_" + sample) == value, "\(sample)") }
    }

    /// The life of a copy: kept at the second read, answered at the third, and gone when another client of Redis changes the key.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func copiesAreCounted() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let cli = try #require(CommandLineTool("redis-cli"))
        let settings = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000", "EVENT_LOOPS": "1",
        ]
        try await AgentProcess.with(settings) { agent in
            try await agent.waitForHealth(#""near_cache":{"coherence":"tracking","reason":null,"entries":0,"bytes":0}"#)
            #expect(try await cli.run(["-s", redis.socketPath, "set", "k", "1"]).status == 0)
            for _ in 0..<3 { #expect(try await agent.ask(Request.get("/cache/k")).status == 200) }
            try await self.expect(
                agent,
                [
                    #"near_coherence{mode="tracking"}"#: 1, #"near_coherence{mode="ttl"}"#: 0, #"near_coherence{mode="off"}"#: 0,
                    #"cache_operations_total{operation="get",store="near",result="hit"}"#: 1, "near_entries": 1, "near_hit_age_seconds_count": 1,
                    #"near_fills_total{result="kept"}"#: 1, #"near_fills_total{result="fenced"}"#: 0, #"near_fills_total{result="unsuitable"}"#: 0,
                    #"near_pushes_total{kind="keys"}"#: 0,
                ])
            #expect(try await cli.run(["-s", redis.socketPath, "set", "k", "2"]).status == 0)
            try await agent.waitForMetric(#"cacheagent_near_pushes_total{kind="keys"}"#) { $0 == 1 }
            try await self.expect(agent, ["near_invalidated_keys_total": 1, "near_entries": 0, #"near_pushes_total{kind="everything"}"#: 0])
            #expect(try await agent.ask(Request.get("/cache/k")).text.hasSuffix(#""value":2}"#))
            #expect(try await cli.run(["-s", redis.socketPath, "flushall"]).status == 0)
            try await agent.waitForMetric(#"cacheagent_near_pushes_total{kind="everything"}"#) { $0 == 1 }
            #expect(try await agent.ask(Request.get("/cache/k")).status == 404)
            redis.stop()
            try await agent.waitForHealth(#""near_cache":{"coherence":"off","reason":"Redis is away""#)
            try await self.expect(
                agent,
                [#"near_coherence{mode="off"}"#: 1, #"near_coherence{mode="tracking"}"#: 0, #"near_coverage_losses_total{reason="connection"}"#: 1])
        }
    }

    @Test(.enabled(if: RedisServerProcess.isAvailable)) func withoutCopiesThereAreNoFiguresOfThem() async throws {
        try await Store.redis.withAgent(["NEAR_CACHE": "off"]) { agent in
            let scrape = try await self.scrape(agent)
            #expect(!scrape.text.contains("cacheagent_near_"))
            #expect(
                try await agent.ask(Request.get("/health")).text.contains(#""near_cache":{"coherence":"off","reason":"the settings keep no copies"#))
        }
    }

    @Test(.enabled(if: promtool != nil), arguments: Store.available) func prometheusFindsNothingToSay(_ store: Store) async throws {
        let promtool = try #require(Self.promtool)
        try await store.withAgent { agent in
            try await self.exercise(agent)
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("metrics-\(UUID().uuidString).txt").path
            defer { try? FileManager.default.removeItem(atPath: file) }
            try TestFile.write(try await self.scrape(agent).text, to: file)
            let verdict = try await promtool.check(metrics: file)
            #expect(verdict.status == 0 && verdict.output.isEmpty && verdict.errors.isEmpty, "\(verdict)")
        }
    }

    @Test func openMetricsOnRequest() async throws {
        try await AgentProcess.with { agent in
            let answer = try await self.scrape(agent, ["Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"])
            #expect(answer["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
            #expect(answer.text.hasSuffix("# EOF\n"))
            #expect(answer.text.contains("# TYPE cacheagent_cache_operations counter\n"))
            #expect(answer.text.contains("# UNIT process_resident_memory_bytes bytes\n"))
        }
    }

    @Test func offMeansNothing() async throws {
        try await AgentProcess.with(["METRICS": "off"]) { agent in
            try await self.exercise(agent)
            #expect(try await self.scrape(agent).status == 404)
            #expect(try await agent.ask(Request.get("/cache/k")).status == 404)
        }
    }

    /// A client that goes while Redis hangs leaves nothing behind in the gauge of requests in flight.
    @Test(.enabled(if: RedisServerProcess.isAvailable)) func clientsThatVanishAreNotInFlight() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "10000", "REDIS_DEAD_TIMEOUT_MS": "10000"]
        try await AgentProcess.with(settings) { agent in
            try await agent.waitForHealth(#""state":"connected""#)
            redis.pause()
            try await WireClient.connect(port: agent.port) { connection in
                try await connection.send(Request.get("/cache/k"))
                try await agent.waitForMetric("cacheagent_http_requests_in_flight") { $0 == 2 }
            }
            try await agent.waitForMetric("cacheagent_http_requests_in_flight") { $0 == 1 }
            redis.resume()
        }
    }
}

extension CommandLineTool {
    /// `promtool check metrics`, which reads standard input.
    fileprivate func check(metrics file: String) async throws -> (status: Int32, output: String, errors: String) {
        guard let shell = CommandLineTool("sh") else { throw TestProcessError(reason: "there is no shell") }
        return try await shell.run(["-c", "promtool check metrics < '\(file)'"])
    }
}
