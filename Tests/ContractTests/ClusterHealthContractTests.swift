import Console
import Foundation
import Telemetry
import TestSupport
import Testing

/// What operators see of a cluster, from the built program and real servers.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct ClusterHealthContractTests {
    /// As `GET /health` has it.
    private struct Health: Decodable {
        struct Redis: Decodable {
            let state: String
            let cluster: Cluster?
        }
        struct Cluster: Decodable {
            let shards: [Shard]
            let slots_served: Double
            let nodes: Int
        }
        struct Shard: Decodable {
            let index: Int
            let state: String
            let reason: String?
            let since: String
            let slots: Int
        }
        let status: String
        let redis_connected: Bool
        let redis: Redis
    }

    private func health(_ agent: AgentProcess, _ what: String, until condition: (Health, Health.Cluster) -> Bool) async throws -> Health {
        let answer = try await eventually(what) {
            try await agent.ask(Request.get("/health"))
        } until: { answer in
            guard let health = try? JSONDecoder().decode(Health.self, from: Data(answer.text.utf8)), let cluster = health.redis.cluster else {
                return false
            }
            return condition(health, cluster)
        }
        #expect(answer.status == 200)
        return try JSONDecoder().decode(Health.self, from: Data(answer.text.utf8))
    }

    private func withCluster(_ body: (RedisClusterProcess, AgentProcess) async throws -> Void) async throws {
        try await RedisClusterProcess.with { cluster in
            // Deadlines that a busy machine keeps: what is away here, is away because its process is gone.
            let settings = [
                "REDIS_URL": cluster.url(0), "REDIS_RECONNECT_CAP_MS": "50", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000",
            ]
            try await AgentProcess.with(settings) { agent in
                _ = try await self.health(agent, "three shards") { health, cluster in health.status == "healthy" && cluster.shards.count == 3 }
                try await body(cluster, agent)
            }
        }
    }

    private func expect(_ agent: AgentProcess, _ samples: [String: Double]) async throws {
        let scrape = try await agent.ask(Request.get("/metrics"))
        for (sample, value) in samples { #expect(scrape.metric("cacheagent_" + sample) == value, "\(sample)") }
    }

    /// Every family of the list is there in a cluster, and nothing tells where the nodes are.
    @Test func aWholeClusterIsHealthy() async throws {
        try await self.withCluster { cluster, agent in
            let health = try await self.health(agent, "a whole cluster") { _, cluster in cluster.slots_served == 1 }
            let parts = try #require(health.redis.cluster)
            #expect(health.redis_connected && health.redis.state == "connected" && parts.nodes == 3)
            #expect(parts.shards.allSatisfy { $0.state == "connected" && $0.reason == nil })
            #expect(parts.shards.map(\.index) == [0, 1, 2] && parts.shards.map(\.slots).sorted() == [5461, 5461, 5462])
            try await self.expect(
                agent,
                [
                    "cluster_nodes": 3, #"cluster_shards{state="connected"}"#: 3, #"cluster_shards{state="outage"}"#: 0,
                    #"cluster_shards{state="replay"}"#: 0, "cluster_slots_served_ratio": 1, "cluster_slots_uncovered": 0,
                    #"cluster_redirects_total{kind="moved"}"#: 0, #"cluster_redirects_total{kind="ask"}"#: 0,
                    "cluster_redirects_given_up_total": 0, "cluster_redirects_to_self_total": 0, "cluster_topology_refused_total": 0,
                    #"redis_state{state="connected"}"#: 1,
                ])
            let scrape = try await agent.ask(Request.get("/metrics"))
            let types = scrape.text.matches(of: #/# TYPE (\w+)/#).map { String($0.output.1) }
            let registered = ["cacheagent_cache_invalidated_keys_total", "cacheagent_cache_invalidated_tags_total"]
            #expect(Set(types) == Set(MetricCatalogue.all.map(\.name) + registered))
            #expect(try #require(scrape.metric("cacheagent_cluster_topology_refreshes_total")) >= 1)
            let text = scrape.text + (try await agent.ask(Request.get("/health")).text)
            for secret in cluster.ports.map({ ":\($0)" }) + cluster.identifiers { #expect(!text.contains(secret)) }
        }
    }

    @Test func oneShardAwayIsSeen() async throws {
        try await self.withCluster { cluster, agent in
            cluster.kill(1)
            let health = try await self.health(agent, "one shard away") { _, cluster in cluster.shards.contains { $0.state == "outage" } }
            let parts = try #require(health.redis.cluster)
            #expect(health.status == "degraded" && health.redis_connected && health.redis.state == "outage")
            let away = parts.shards.filter { $0.state != "connected" }
            #expect(away.count == 1 && parts.shards.count == 3 && away.first?.slots == 5461)
            #expect(["connect_failed", "connection_lost"].contains(away.first?.reason))
            #expect((0.66..<0.67).contains(parts.slots_served))
            #expect(try await agent.ask(Request.get("/health/ready")).status == 200)
            try await self.expect(
                agent,
                [
                    #"cluster_shards{state="connected"}"#: 2, #"cluster_shards{state="outage"}"#: 1, "cluster_slots_uncovered": 0,
                    "redis_connected": 1, #"redis_state{state="outage"}"#: 1,
                ])
            try await cluster.restart(1)
            _ = try await self.health(agent, "all shards again") { health, cluster in health.status == "healthy" && cluster.slots_served == 1 }
        }
    }

    @Test func slotsOfNobodyAreSeen() async throws {
        try await self.withCluster { cluster, agent in
            try await cluster.lose([0, 1, 2])
            // The watch looks once a minute, unless a client wants one of these slots.
            let key = try #require((0..<200_000).lazy.map { "k\($0)" }.first { RedisClusterProcess.slot(of: $0) < 3 })
            _ = try await agent.ask(Request.get("/cache/\(key)"))
            let health = try await self.health(agent, "uncovered slots") { _, cluster in
                cluster.shards.contains { $0.reason == "slots_uncovered" && $0.slots == 3 }
            }
            #expect(health.status == "degraded" && health.redis_connected && health.redis.cluster?.slots_served == 0.99981)
            try await self.expect(agent, ["cluster_slots_uncovered": 3, "cluster_nodes": 3, #"cluster_shards{state="outage"}"#: 1])
            try await agent.waitForMetric(#"cacheagent_cluster_topology_triggers_total{reason="uncovered_slot"}"#) { $0 >= 1 }
            try await cluster.give([0, 1, 2], to: 0)
            _ = try await self.health(agent, "slots that a node has again") { health, cluster in
                health.status == "healthy" && cluster.shards.count == 3 && cluster.slots_served == 1
            }
            try await self.expect(agent, ["cluster_slots_uncovered": 0, "cluster_slots_served_ratio": 1])
        }
    }

    @Test func movedSlotsAreCounted() async throws {
        try await self.withCluster { cluster, agent in
            let key = try #require((0..<200_000).lazy.map { "k\($0)" }.first { RedisClusterProcess.slot(of: $0) < 8 })
            #expect(try await agent.set(key, 1).status == 200)
            try await cluster.migrate(0..<8, from: 0, to: 2)
            #expect(try await agent.ask(Request.get("/cache/\(key)")).status == 200)
            try await agent.waitForMetric(#"cacheagent_cluster_redirects_total{kind="moved"}"#) { $0 >= 1 }
            try await self.expect(agent, ["cluster_slots_uncovered": 0, "cluster_slots_served_ratio": 1])
        }
    }
}
