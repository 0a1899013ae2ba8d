import Foundation
import TestSupport
import Testing

/// Nodes of a cluster go away and come back: the keys of the others are not concerned, its own are memory's meanwhile, and nothing that was acknowledged
/// is forgotten.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct ClusterOutageTests {
    enum Loss: CaseIterable, Sendable {
        case killed, stopped
    }

    private static let invalidatePattern = Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#)

    // MARK: One shard of three

    /// The replica may take over only when the test has seen what is answered without it.
    @Test(arguments: Loss.allCases) func aMasterIsLostAndItsReplicaTakesOver(_ loss: Loss) async throws {
        let settings = loss == .stopped ? ClusterFixture.impatient : [:]
        try await ClusterFixture.with(ClusterFixture.withReplica, settings) { cluster, agent in
            let others = try await ClusterFixture.keys("o", 20, of: 1, in: cluster) + ClusterFixture.keys("o", 20, of: 2, in: cluster)
            let deleted = try await ClusterFixture.keys("d", 10, of: 0, in: cluster)
            let written = try await ClusterFixture.keys("w", 10, of: 0, in: cluster)
            let matching = try await ClusterFixture.keys("p:", 10, of: 0, in: cluster) + ClusterFixture.keys("p:", 10, of: 1, in: cluster)
            for key in deleted + written + matching { #expect(try await agent.set(key, 1)["x-cache-degraded"] == nil) }
            #expect(try await cluster.command(3, "CONFIG", "SET", "cluster-replica-no-failover", "yes") == .text("OK"))
            let seen = try await ClusterTraffic.during(agent, keys: others) {
                if loss == .killed { cluster.kill(0) } else { cluster.pause(0) }
                let health = try await agent.waitForShards { $0.contains { !$0.isConnected } }
                #expect(health.status == "degraded")
                let away = health.redis.shards.filter { !$0.isConnected }
                #expect(away.count == 1 && away[0].reason != nil && away[0].slots > 5000)
                #expect(try await agent.ask(Request.get("/health/ready")).status == 200)
                for key in deleted {
                    let answer = try await agent.ask(Request.delete("/cache/\(key)"))
                    #expect(answer.status == 200 && answer["x-cache-degraded"] == "1")
                    #expect(try await agent.get(key) == "404")
                }
                for key in written {
                    #expect(try await agent.set(key, 2)["cache-status"] == "redis-caching-agent; fwd=method; stored; detail=outage")
                    #expect(try await agent.get(key) == "2")
                }
                let answer = try await agent.ask(Self.invalidatePattern)
                #expect(answer.status == 200 && answer["x-cache-degraded"] == "1")
                #expect(answer.text.contains(#""complete":false"#))
                for key in matching { #expect(try await agent.get(key) == "404") }
                for key in matching.suffix(10) { #expect(try await cluster.command(1, "EXISTS", key) == .integer(0), "the shard is there") }
                let statistics = try await agent.ask(Request.get("/cache/stats"))
                #expect(statistics.status == 200 && statistics.text.contains(#""complete":false"#))

                #expect(try await cluster.command(3, "CONFIG", "SET", "cluster-replica-no-failover", "no") == .text("OK"))
                try await cluster.waitForTakeover(by: 3)
                try await agent.waitForReplay()
            }
            #expect(seen.wrong == [])
            #expect(seen.degraded == [] && seen.misses == 0, "of \(seen.answers): the shards that live have nothing to do with it")
            try await self.expectReplay(agent, cluster, deleted: deleted, written: written, matching: matching)
            if loss == .stopped { cluster.resume(0) } else { try await cluster.restart(0) }
            try await cluster.settle()
            try await self.expectReplay(agent, cluster, deleted: deleted, written: written, matching: matching)
            for key in deleted + written + others { #expect(try await agent.set(key, 3)["x-cache-degraded"] == nil) }
        }
    }

    private func expectReplay(
        _ agent: AgentProcess, _ cluster: RedisClusterProcess, deleted: [String], written: [String], matching: [String]
    ) async throws {
        for key in deleted + matching {
            #expect(try await agent.get(key) == "404")
            #expect(try await cluster.keyed("GET", key) == .null, "\(key)")
        }
        for key in written {
            #expect(try await agent.get(key) == "2")
            #expect(try await cluster.keyed("GET", key) == .text("2"), "\(key)")
            #expect(try await !agent.isDegraded(key))
        }
    }

    /// There is no connection that ends: the old master answers every key with the address of the new one.
    @Test func theRolesAreExchanged() async throws {
        try await ClusterFixture.with(ClusterFixture.withReplica) { cluster, agent in
            let others = try await ClusterFixture.keys("o", 20, of: 1, in: cluster) + ClusterFixture.keys("o", 20, of: 2, in: cluster)
            let own = try await ClusterFixture.keys("k", 20, of: 0, in: cluster)
            let seen = try await ClusterTraffic.during(agent, keys: others + own) {
                for (new, old) in [(3, 0), (0, 3)] {
                    try await cluster.failover(to: new)
                    try await eventually("the new master's answers") { try await !agent.isDegraded(own[0]) }
                    try await eventually("the old master to follow") { try await cluster.replica(of: new) == old }
                    try await cluster.settle()
                    try await agent.waitForReplay()
                }
            }
            #expect(seen.wrong == [])
            #expect(seen.degraded.isDisjoint(with: others))
            for key in own + others { #expect(try await agent.set(key, -1)["x-cache-degraded"] == nil) }
            for key in own { #expect(try await cluster.command(0, "GET", key) == .text("-1")) }
        }
    }

    /// No connection is lost, and nobody says anything: the copies of the stopped master have to end all the same.
    @Test func copiesOfAStoppedMasterEnd() async throws {
        let settings = ClusterFixture.impatient.merging(["NEAR_MAX_AGE_SECONDS": "3600"]) { $1 }
        try await ClusterFixture.with(ClusterFixture.withReplica, settings) { cluster, agent in
            let keys = try await ClusterFixture.keys("k", 10, of: 0, in: cluster)
            for key in keys {
                #expect(try await cluster.keyed("SET", key, "1") == .text("OK"))
                try await eventually("a copy") {
                    try await agent.ask(Request.get("/cache/\(key)"))["cache-status"]?.hasSuffix("detail=near") == true
                }
            }
            try await eventually("what the replica lacks") { try await cluster.command(3, "DBSIZE") == cluster.command(0, "DBSIZE") }
            cluster.pause(0)
            try await cluster.waitForTakeover(by: 3)
            for key in keys { #expect(try await cluster.command(3, "SET", key, "2") == .text("OK")) }
            for key in keys {
                try await eventually("the value of somebody else") {
                    let answer = try await agent.ask(Request.get("/cache/\(key)"))
                    return answer["x-cache-degraded"] == nil && answer.text == #"{"success":true,"key":"\#(key)","value":2}"#
                }
            }
            cluster.resume(0)
            try await cluster.settle()
            for key in keys { #expect(try await agent.get(key) == "2") }
        }
    }

    /// A slot that nobody has: its keys are memory's, those of its neighbours are not.
    @Test func aSlotIsLost() async throws {
        try await ClusterFixture.with { cluster, agent in
            let lost = ["{tag}:1", "{tag}:2", "{tag}:3"]
            let path = { (key: String) in key.replacing("{", with: "%7B").replacing("}", with: "%7D") }
            let slot = RedisClusterProcess.slot(of: "{tag}")
            let owner = try await cluster.owner(ofKey: "{tag}")
            for key in lost { #expect(try await agent.set(key, 1)["x-cache-degraded"] == nil) }
            let seen = try await ClusterTraffic.during(agent, keys: (0..<60).map { "k\($0)" }) {
                try await cluster.lose([slot])
                for key in lost {
                    try await eventually("an answer of memory") { try await agent.isDegraded(path(key)) }
                    #expect(try await agent.set(key, 2)["x-cache-degraded"] == "1")
                    #expect(try await agent.get(path(key)) == "2")
                }
                let deletion = try await agent.ask(Request.delete("/cache/\(path(lost[0]))"))
                #expect(deletion.status == 200 && deletion["x-cache-degraded"] == "1")
                // Whoever gets it back still has its keys.
                try await cluster.give([slot], to: owner)
                for key in lost { try await eventually("an answer of Redis") { try await !agent.isDegraded(path(key)) } }
                try await agent.waitForReplay()
            }
            #expect(seen.wrong == [] && seen.degraded == [] && seen.misses == 0, "\(seen)")
            // The other nodes hear of it later than the service does.
            try await cluster.settle()
            #expect(try await cluster.keyed("GET", lost[0]) == .null)
            for key in lost.dropFirst() { #expect(try await cluster.keyed("GET", key) == .text("2")) }
        }
    }

    // MARK: All of it

    /// With the server's default one dead master ends all service, over connections that live on: nobody may make new ones for that.
    @Test func withoutFullCoverageEverythingIsRefused() async throws {
        var shape = RedisClusterProcess.Shape()
        shape.requiresFullCoverage = true
        try await ClusterFixture.with(shape) { cluster, agent in
            var keys: [String] = []
            for node in 0..<3 { keys += try await ClusterFixture.keys("k", 10, of: node, in: cluster) }
            for key in keys { #expect(try await agent.set(key, 1)["x-cache-degraded"] == nil) }
            cluster.kill(2)
            // A node finds out when it is asked.
            try await eventually("refusals of every node") {
                for key in keys where try await !agent.isDegraded(key) { return false }
                return try await agent.clusterHealth().redis.shards.allSatisfy { !$0.isConnected }
            }
            let begin = try await self.uptime(agent)
            let before = try await self.connectionsReceived(cluster, [0, 1])
            let seen = try await ClusterTraffic.during(agent, keys: keys) {
                let start = try await self.uptime(agent)
                try await eventually("three seconds of it") { try await self.uptime(agent) >= start + 3 }
            }
            let received = zip(before, try await self.connectionsReceived(cluster, [0, 1])).map { $1 - $0 }
            let seconds = try await self.uptime(agent) - begin
            // Some are this test's own, and a seed is asked about once a second whether the cluster is back.
            #expect(received.allSatisfy { $0 <= 4 + 2 * seconds }, "\(received) new connections in \(seconds) s")
            #expect(seen.wrong == [] && seen.misses == 0 && seen.degraded == Set(keys))
            for key in keys { #expect(try await agent.ask(Request.delete("/cache/\(key)"))["x-cache-degraded"] == "1") }

            try await cluster.restart(2)
            try await cluster.settle()
            for key in keys { try await eventually("an answer of Redis") { try await !agent.isDegraded(key) } }
            try await agent.waitForReplay()
            for key in keys {
                #expect(try await agent.get(key) == "404")
                #expect(try await cluster.keyed("GET", key) == .null)
            }
        }
    }

    private func connectionsReceived(_ cluster: RedisClusterProcess, _ nodes: [Int]) async throws -> [Int] {
        var counts: [Int] = []
        for node in nodes { counts.append(try #require(try await cluster.figure(node, "total_connections_received"))) }
        return counts
    }

    private func uptime(_ agent: AgentProcess) async throws -> Int {
        let health = try await agent.ask(Request.get("/health")).text
        return try #require(health.firstMatch(of: #/"uptime_seconds":(\d+)/#).flatMap { Int($0.1) })
    }

    /// Nobody has told it anything of slots, and it serves all the same.
    @Test func aStartWithoutTheCluster() async throws {
        try await RedisClusterProcess.with { cluster in
            for node in 0..<3 { cluster.kill(node) }
            try await AgentProcess.with(ClusterFixture.patient.merging(["REDIS_URL": cluster.url(0, 1)]) { $1 }) { agent in
                for number in 0..<30 {
                    #expect(try await agent.set("k\(number)", number)["x-cache-degraded"] == "1")
                    #expect(try await agent.get("k\(number)") == "\(number)")
                }
                for node in 0..<3 { try await cluster.restart(node) }
                try await cluster.settle()
                try await ClusterFixture.waitUntilWhole(cluster, agent)
                try await agent.waitForReplay()
                for number in 0..<30 { #expect(try await cluster.keyed("GET", "k\(number)") == .text("\(number)")) }
            }
        }
    }
}
