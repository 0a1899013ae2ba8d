import Foundation
import TestSupport
import Testing

/// A Redis Cluster behind the service, as clients see it: while its nodes live, and its slots move.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct ClusterContractTests {
    // MARK: At rest

    @Test func everyKeyIsAtItsNode() async throws {
        try await ClusterFixture.with { cluster, agent in
            let keys = (0..<200).map { "k:\($0)" } + (0..<50).map { "{tag}:\($0)" } + ["{}x", "{a", "}{a}", "{{a}}b", "a{b}{c}"]
            try await WireClient.connect(port: agent.port) { connection in
                for (number, key) in keys.enumerated() {
                    try await connection.send(Request.post("/cache", #"{"key":"\#(key)","value":\#(number),"ttl":1000}"#))
                    let answer = try await connection.response()
                    #expect(answer.status == 200 && answer["x-cache-degraded"] == nil, "\(key): \(answer["cache-status"] ?? "")")
                }
                for (number, key) in keys.enumerated() {
                    let path = key.replacing("{", with: "%7B").replacing("}", with: "%7D")
                    try await connection.send(Request.get("/cache/\(path)") + Request.get("/cache?key=\(path)"))
                    for answer in [try await connection.response(), try await connection.response()] {
                        #expect(answer.text == #"{"success":true,"key":"\#(key)","value":\#(number)}"#)
                        #expect(answer["x-cache-degraded"] == nil)
                    }
                    #expect(try await cluster.keyed("GET", key) == .text("\(number)"), "\(key) is where the cluster looks for it")
                }
                #expect(try await cluster.keyed("PTTL", "k:7").integer ?? 0 > 900_000)
                for key in keys.prefix(100) {
                    try await connection.send(Request.delete("/cache/\(key)") + Request.delete("/cache/\(key)") + Request.get("/cache/\(key)"))
                    for status in [200, 404, 404] { #expect(try await connection.response().status == status) }
                }
            }
            for node in 0..<3 { #expect(try await cluster.command(node, "DBSIZE").integer ?? 0 > 20, "no node has everything") }
        }
    }

    @Test func healthHasItsShards() async throws {
        try await ClusterFixture.with(settings: ["REDIS_CLUSTER": "on"]) { cluster, agent in
            let health = try await agent.clusterHealth()
            #expect(health.status == "healthy")
            #expect(health.redis.shards.map(\.index) == [0, 1, 2])
            #expect(health.redis.shards.reduce(0) { $0 + $1.slots } == 16384)
            #expect(health.redis.shards.allSatisfy { $0.isConnected && $0.reason == nil && !$0.since.isEmpty })
            let text = try await agent.ask(Request.get("/health")).text
            #expect(text.contains(#""redis_connected":true"#))
            for node in 0..<3 { #expect(!text.contains("\(cluster.ports[node])") && !text.contains(cluster.identifiers[node])) }
            #expect(try await agent.ask(Request.get("/health/ready")).status == 200)
            // A shard that has no slots any more is none.
            try await cluster.migrate(try await cluster.slots(of: 2), from: 2, to: 0)
            _ = try await ClusterTraffic.during(agent, keys: (0..<100).map { "k\($0)" }) {
                try await agent.waitForShards { $0.count == 2 && $0.reduce(0) { $0 + $1.slots } == 16384 }
            }
        }
    }

    @Test func statisticsAreThoseOfAllShards() async throws {
        try await ClusterFixture.with { cluster, agent in
            for number in 0..<90 { #expect(try await agent.set("k\(number)", number).status == 200) }
            for number in 0..<90 { #expect(try await agent.get("k\(number)") == "\(number)") }
            let answer = try await agent.ask(Request.get("/cache/stats"))
            let figures = try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
            #expect(figures["total_keys"] as? Int == 90)
            #expect(figures["complete"] == nil)
            #expect(figures["keyspace_hits"] as? Int ?? 0 >= 90)
            var most = 0
            for node in 0..<3 { most = max(most, try await cluster.figure(node, "keyspace_hits") ?? 0) }
            #expect(figures["keyspace_hits"] as? Int ?? 0 > most, "it is the sum")
        }
    }

    // MARK: Patterns

    @Test func patternsReachEveryShard() async throws {
        try await ClusterFixture.with { cluster, agent in
            for number in 0..<100 {
                for key in ["p:\(number)", "q:\(number)", "{tag}:\(number)"] { #expect(try await agent.set(key, number).status == 200) }
            }
            try await self.invalidate(agent, "p:*", isDry: true, count: 100)
            try await self.invalidate(agent, "{tag}:*", isDry: true, count: 100)
            try await self.invalidate(agent, "*", isDry: true, count: 300)
            try await self.invalidate(agent, "p:1*", count: 11)
            try await self.invalidate(agent, "p:*", count: 89)
            try await self.invalidate(agent, "{tag}:*", count: 100)
            try await self.invalidate(agent, "p:*", count: 0)
            for number in 0..<100 {
                #expect(try await agent.get("p:\(number)") == "404")
                #expect(try await agent.get("q:\(number)") == "\(number)")
            }
            #expect(try await self.matches("q:*", in: cluster).count == 100)
        }
    }

    private func invalidate(_ agent: AgentProcess, _ pattern: String, isDry: Bool = false, count: Int, line: Int = #line) async throws {
        let answer = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"\#(pattern)","dry_run":\#(isDry)}"#))
        #expect(answer.status == 200 && answer["x-cache-degraded"] == nil, "line \(line)")
        #expect(answer.text.contains(isDry ? "\"keys_matched\":\(count)," : "\"keys_deleted\":\(count),"), "line \(line): \(answer.text)")
    }

    /// Keys that any node has, also one that should not.
    private func matches(_ pattern: String, in cluster: RedisClusterProcess) async throws -> [String] {
        var found: [String] = []
        for node in cluster.running { found += try await cluster.command(node, "KEYS", pattern).elements.compactMap(\.text) }
        return found
    }

    // MARK: Slots that move

    /// Nothing of a move is seen: slots are open, keys are here or there, and then they are elsewhere.
    @Test func slotsMoveUnderLoad() async throws {
        try await ClusterFixture.with { cluster, agent in
            let keys = (0..<80).map { "k\($0)" } + (0..<20).map { "{tag}\($0)" }
            let slots = Set(keys.map { RedisClusterProcess.slot(of: $0) })
            let seen = try await ClusterTraffic.during(agent, keys: keys) {
                for (source, target) in [(0, 1), (1, 2), (2, 0)] {
                    let moving = Set(try await cluster.slots(of: source)).intersection(slots)
                    try await cluster.migrate(moving, from: source, to: target)
                }
            }
            #expect(seen.wrong == [])
            #expect(seen.degraded == [] && seen.misses == 0, "of \(seen.answers) answers: \(seen.notes)")
        }
    }

    /// What is left of the slot at the source is served there, and the rest by the importer, absent keys too.
    @Test func anOpenSlotIsServedByBoth() async throws {
        try await ClusterFixture.with { cluster, agent in
            let slot = RedisClusterProcess.slot(of: "{tag}")
            let source = try await cluster.owner(ofKey: "{tag}")
            let target = (source + 1) % 3
            for number in 0..<40 { #expect(try await agent.set("{tag}:\(number)", number).status == 200) }
            try await cluster.halfMove(slot, from: source, to: target)

            let keys = (0..<60).map { "%7Btag%7D:\($0)" }
            for (number, key) in keys.enumerated() {
                #expect(try await agent.get(key) == (number < 40 ? "\(number)" : "404"))
                #expect(try await !agent.isDegraded(key))
            }
            for number in 0..<60 {
                let answer = try await agent.set("{tag}:\(number)", 100 + number)
                #expect(answer["cache-status"]?.hasSuffix("detail=redis") == true && answer["x-cache-degraded"] == nil)
            }
            for (number, key) in keys.enumerated() {
                let answer = try await agent.ask(Request.get("/cache/\(key)"))
                #expect(answer.text.hasSuffix("\"value\":\(100 + number)}"), "\(key): \(answer.text) \(answer["cache-status"] ?? "")")
            }
            for key in keys.prefix(10) { #expect(try await agent.ask(Request.delete("/cache/\(key)")).status == 200) }
            try await cluster.finishMove(slot, from: source, to: target)
            #expect(try await agent.set("{tag}:1", 1)["x-cache-degraded"] == nil)
            #expect(try await cluster.command(target, "GET", "{tag}:1") == .text("1"))
        }
    }

    /// The keys of an open slot are at two nodes. What a walk cannot settle while it is open, the answer says, and it is done afterwards.
    @Test(arguments: ["{tag}:*", "*"]) func aPatternMeetsAnOpenSlot(_ pattern: String) async throws {
        try await ClusterFixture.with { cluster, agent in
            let slot = RedisClusterProcess.slot(of: "{tag}")
            let source = try await cluster.owner(ofKey: "{tag}")
            let target = (source + 1) % 3
            for number in 0..<40 { #expect(try await agent.set("{tag}:\(number)", number).status == 200) }
            try await cluster.halfMove(slot, from: source, to: target)
            for number in 40..<60 { #expect(try await agent.set("{tag}:\(number)", number)["x-cache-degraded"] == nil) }

            let dry = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"\#(pattern)","dry_run":true}"#))
            #expect(dry.status == 200)
            #expect(dry.text.contains(#""keys_matched":60,"#) || dry.text.contains(#""complete":false"#), "\(dry.text)")
            let answer = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"\#(pattern)"}"#))
            #expect(answer.status == 200)
            #expect(answer.text.contains(#""keys_deleted":60,"#) || answer.text.contains(#""complete":false"#), "\(answer.text)")
            for number in 0..<60 { #expect(try await agent.get("%7Btag%7D:\(number)") == "404") }
            try await cluster.finishMove(slot, from: source, to: target)
            try await agent.waitForReplay()
            #expect(try await self.matches("*", in: cluster) == [])
        }
    }

    /// A walk that meets a moving key at neither node would miss it.
    @Test func nothingEscapesAPatternByMoving() async throws {
        try await ClusterFixture.with { cluster, agent in
            let keys = (0..<300).map { "p:\($0)" }
            let slots = Set(keys.map { RedisClusterProcess.slot(of: $0) })
            for round in 0..<3 {
                try await WireClient.connect(port: agent.port) { connection in
                    for key in keys + ["kept"] {
                        try await connection.send(Request.post("/cache", #"{"key":"\#(key)","value":1}"#))
                        #expect(try await connection.response().status == 200)
                    }
                }
                let moving = Set(try await cluster.slots(of: round)).intersection(slots)
                async let answer = agent.ask(Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#))
                try await cluster.migrate(moving, from: round, to: (round + 1) % 3)
                #expect(try await answer.status == 200)
                // What could not be settled in the walk is in the journal.
                try await agent.waitForReplay()
                #expect(try await self.matches("p:*", in: cluster) == [])
                #expect(try await agent.get("kept") == "1")
            }
        }
    }

    /// The source answers with MOVED at once; the new owner has nothing of the slot.
    @Test func aSlotIsTakenWithoutItsKeys() async throws {
        try await ClusterFixture.with { cluster, agent in
            let keys = try await ClusterFixture.keys("k", 20, of: 0, in: cluster)
            for key in keys { #expect(try await agent.set(key, 1).status == 200) }
            try await cluster.takeOver(keys.map { RedisClusterProcess.slot(of: $0) }, from: 0, by: 1)
            try await eventually("the new owner's answers") {
                for key in keys where try await agent.get(key) != "404" { return false }
                return true
            }
            for key in keys {
                #expect(try await agent.set(key, 2)["x-cache-degraded"] == nil)
                #expect(try await cluster.command(1, "GET", key) == .text("2"))
            }
        }
    }

    // MARK: Copies of reads

    private static let longLived = ["NEAR_MAX_AGE_SECONDS": "3600"]

    /// Whoever writes, at whatever node: the copy of the key ends.
    @Test func copiesEndByForeignWrites() async throws {
        try await ClusterFixture.with(settings: Self.longLived) { cluster, agent in
            for node in 0..<3 {
                for key in try await ClusterFixture.keys("k", 3, of: node, in: cluster) {
                    #expect(try await cluster.keyed("SET", key, "1") == .text("OK"))
                    try await self.copy(agent, key)
                    #expect(try await agent.get(key) == "1")
                    #expect(try await cluster.keyed("SET", key, "2") == .text("OK"))
                    try await eventually("the value of somebody else") { try await agent.get(key) == "2" }
                    try await self.copy(agent, key)
                    #expect(try await cluster.keyed("DEL", key) == .integer(1))
                    try await eventually("its end") { try await agent.get(key) == "404" }
                }
            }
        }
    }

    /// A key that moves is written at its new node, whose connection has never read it.
    @Test func copiesEndAcrossAMove() async throws {
        try await ClusterFixture.with(settings: Self.longLived) { cluster, agent in
            let present = try await ClusterFixture.keys("present", 5, of: 0, in: cluster)
            let absent = try await ClusterFixture.keys("absent", 5, of: 0, in: cluster)
            for key in present { #expect(try await cluster.keyed("SET", key, "1") == .text("OK")) }
            for key in present + absent { try await self.copy(agent, key) }
            try await cluster.migrate((present + absent).map { RedisClusterProcess.slot(of: $0) }, from: 0, to: 1)
            for key in present + absent { #expect(try await cluster.command(1, "SET", key, "2") == .text("OK")) }
            for key in present + absent { try await eventually("the value of the new owner") { try await agent.get(key) == "2" } }
            for key in present + absent { try await self.copy(agent, key) }
            for key in present + absent { #expect(try await cluster.command(1, "SET", key, "3") == .text("OK")) }
            for key in present + absent { try await eventually("the next value") { try await agent.get(key) == "3" } }
        }
    }

    /// Reads until a copy answers.
    private func copy(_ agent: AgentProcess, _ key: String) async throws {
        try await eventually("a copy of \(key)") {
            try await agent.ask(Request.get("/cache/\(key)"))["cache-status"]?.hasSuffix("detail=near") == true
        }
    }

    // MARK: Ways in

    @Test func anySeedWillDo() async throws {
        try await RedisClusterProcess.with(ClusterFixture.steady) { cluster in
            for seeds in ["redis://127.0.0.1:1,127.0.0.1:\(cluster.ports[2]),127.0.0.1:\(cluster.ports[1])", cluster.url(1)] {
                try await AgentProcess.with(ClusterFixture.patient.merging(["REDIS_URL": seeds]) { $1 }) { agent in
                    try await ClusterFixture.waitUntilWhole(cluster, agent)
                    for number in 0..<30 { #expect(try await agent.set("k\(number)", number)["x-cache-degraded"] == nil) }
                }
            }
            #expect(try await self.matches("k*", in: cluster).count == 30)
        }
    }

    @Test(.enabled(if: TestCertificates.isAvailable)) func encryptedAndWithAPassword() async throws {
        let certificates = try TestCertificates(names: "IP:127.0.0.1")
        defer { certificates.remove() }
        var shape = ClusterFixture.steady
        shape.certificates = certificates
        shape.password = "s3cret"
        try await ClusterFixture.with(shape, ["REDIS_TLS_CA_FILE": certificates.authority]) { cluster, agent in
            for number in 0..<50 { #expect(try await agent.set("k\(number)", number)["x-cache-degraded"] == nil) }
            try await cluster.migrate(try await cluster.slots(of: 0).prefix(2000), from: 0, to: 1)
            for number in 0..<50 {
                #expect(try await agent.get("k\(number)") == "\(number)")
                #expect(try await !agent.isDegraded("k\(number)"))
            }
            try await self.invalidate(agent, "k*", count: 50)
        }
    }

    // MARK: The platform

    /// What decides between the instances is a key, which has an owner like any other.
    @Test func oneOfSeveralInstancesRegisters() async throws {
        let platform = try await FakePlatform.start(.memory)
        try await RedisClusterProcess.with(ClusterFixture.steady) { cluster in
            let settings = ClusterFixture.patient.merging([
                "FACTORY_PLATFORM_URL": platform.url, "SELF_URL": "https://cache.example.com", "REDIS_URL": cluster.url(0),
            ]) { $1 }
            try await withThrowingTaskGroup { group in
                for _ in 0..<3 { group.addTask { try await RegistrationContractTests.waitUntilRegistered(settings) } }
                try await group.waitForAll()
            }
            #expect(platform.creations <= 1 && platform.resets == 0)
        }
        try await platform.stop()
    }
}

extension ClusterFixture {
    static func with(settings: [String: String], _ body: (RedisClusterProcess, AgentProcess) async throws -> Void) async throws {
        try await self.with(self.steady, settings, body)
    }
}
