import TestSupport
import Testing

/// Leases and tags over a Redis Cluster: the key of a value, its lease, and the versions of its tags may be at different nodes.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct ClusterLeaseTests {
    private static let keys = (0..<24).map { "lease:\($0)" }

    @Test func leasesAndTagsReachAcrossNodes() async throws {
        try await ClusterFixture.with { _, agent in
            for key in Self.keys {
                let token = try await agent.takeLease(key, seconds: 60)
                #expect(try await agent.lease(key).isHeld)
                #expect(try await agent.lease(key, seconds: 60, token: token).leaseToken == token)
                #expect(try await agent.fill(key, token, members: #","ttl":60,"stale":60,"tags":["a","b"]"#).status == 200)
            }
            for key in Self.keys { #expect(try await agent.get(key) == "1") }
            #expect(try await agent.invalidate(tag: "b").status == 200)
            for key in Self.keys { #expect(try await agent.ask(Request.get("/cache/\(key)")).status == 404) }
        }
    }

    @Test func aValueOfBeforeAnInvalidationIsNotStored() async throws {
        try await ClusterFixture.with { _, agent in
            for key in Self.keys.prefix(9) {
                let token = try await agent.takeLease(key, seconds: 60)
                #expect(try await agent.invalidate(tag: "t").status == 200)
                #expect(try await agent.fill(key, token, members: #","ttl":60,"tags":["t"]"#).status == 409)
            }
        }
    }

    /// A lease stands at its key, so it goes where the key goes.
    @Test func aLeaseMovesWithItsSlot() async throws {
        try await ClusterFixture.with { cluster, agent in
            let keys = try await ClusterFixture.keys("moving", 6, of: 0, in: cluster)
            var tokens: [String: String] = [:]
            for key in keys { tokens[key] = try await agent.takeLease(key, seconds: 60) }
            let waiting = try #require(keys.first)
            async let waiter = agent.lease(waiting, seconds: 60, wait: 10_000)
            try await agent.waitForMetric("cacheagent_lease_waiting") { $0 == 1 }
            try await cluster.migrate(Set(keys.map { RedisClusterProcess.slot(of: $0) }), from: 0, to: 1)
            for key in keys {
                #expect(try await agent.lease(key, seconds: 60).isHeld)
                #expect(try await agent.fill(key, try #require(tokens[key])).status == 200)
                #expect(try await agent.get(key) == "1")
            }
            #expect(try await waiter.status == 200)
        }
    }
}
