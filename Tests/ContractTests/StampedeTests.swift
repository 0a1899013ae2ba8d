import NIOConcurrencyHelpers
import TestSupport
import Testing

/// Many clients of two instances on one Redis, with the near cache and without it.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct StampedeTests {
    private func withInstances(
        _ settings: [String: String] = [:], _ body: (RedisServerProcess, [AgentProcess]) async throws -> Void
    ) async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let environment = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_DEADLINE_MS": "10000", "REDIS_DEAD_TIMEOUT_MS": "60000", "EVENT_LOOPS": "2",
        ].merging(settings) { $1 }
        try await AgentProcess.with(environment) { one in
            try await AgentProcess.with(environment) { two in
                for agent in [one, two] { try await agent.waitForHealth("\"status\":\"healthy\"") }
                try await body(redis, [one, two])
            }
        }
    }

    /// Asks until there is a value, and computes it if the lease comes to this client.
    private static func value(_ agent: AgentProcess, _ computations: NIOLockedValueBox<Int>, ready: () async throws -> Void) async throws -> String {
        while true {
            let answer = try await agent.lease("k", seconds: 60, wait: 10_000)
            if answer.status == 200 { return answer.text }
            guard let token = answer.leaseToken else { continue }
            computations.withLockedValue { $0 += 1 }
            try await ready()
            let filled = try await agent.fill("k", token, value: #""computed""#)
            #expect(filled.status == 200)
        }
    }

    @Test(arguments: ["auto", "off"]) func oneOfFiveHundredComputes(_ near: String) async throws {
        try await self.withInstances(["NEAR_CACHE": near]) { _, agents in
            let computations = NIOLockedValueBox(0)
            try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<500 {
                    group.addTask {
                        try await Self.value(agents[index % 2], computations) {
                            // Until all others wait.
                            try await eventually("499 that wait") {
                                let waiting = try await agents[0].metric("cacheagent_lease_waiting") + agents[1].metric("cacheagent_lease_waiting")
                                return waiting == 499
                            }
                        }
                    }
                }
                for try await text in group { #expect(text == #"{"success":true,"key":"k","value":"computed"}"#) }
            }
            #expect(computations.withLockedValue(\.self) == 1)
        }
    }

    /// Waiting asks Redis for nothing while there is a copy of the placeholder.
    @Test func whoWaitsAsksRedisForNothing() async throws {
        try await self.withInstances { redis, agents in
            let token = try await agents[0].takeLease("k", seconds: 60)
            async let waiting = agents[1].lease("k", seconds: 60, wait: 10_000)
            try await agents[1].waitForMetric("cacheagent_lease_waiting") { $0 == 1 }
            try await eventually("a copy of the placeholder") { try await agents[1].metric("cacheagent_near_entries") == 1 }
            func reads() async throws -> Int {
                let line = try await redis.run("INFO commandstats").split(separator: "\r\n").first { $0.hasPrefix("cmdstat_get:") }
                return line.flatMap { $0.split(separator: "=").dropFirst().first?.split(separator: ",").first }.flatMap { Int($0) } ?? 0
            }
            let before = try await reads()
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await reads() == before)
            #expect(try await agents[0].fill("k", token).status == 200)
            #expect(try await waiting.status == 200)
        }
    }

    /// Where Redis does not say what changes, a copy of the placeholder would hold those up who wait.
    @Test func whoWaitsWithoutTrackingIsNotHeldUpByACopy() async throws {
        try await self.withInstances(["NEAR_CACHE": "ttl", "NEAR_TTL_MS": "60000"]) { _, agents in
            let token = try await agents[0].takeLease("k", seconds: 60)
            for _ in 0..<4 { #expect(try await agents[1].lease("k").isHeld) }
            async let waiting = agents[1].lease("k", wait: 10_000)
            try await agents[1].waitForMetric("cacheagent_lease_waiting") { $0 == 1 }
            #expect(try await agents[0].fill("k", token).status == 200)
            #expect(try await waiting.status == 200)
            let other = try await agents[0].takeLease("other", seconds: 60)
            for _ in 0..<4 { #expect(try await agents[1].lease("other").isHeld) }
            #expect(try await agents[0].giveUp("other", other).status == 200)
            #expect(try await agents[1].lease("other").leaseToken != nil)
        }
    }

    @Test func theHolderDiesAndOneOtherGoesOn() async throws {
        try await self.withInstances { _, agents in
            let dead = try await agents[0].takeLease("k", seconds: 1)
            let computations = NIOLockedValueBox(0)
            try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<40 { group.addTask { try await Self.value(agents[index % 2], computations) {} } }
                for try await text in group { #expect(text.hasSuffix(#""value":"computed"}"#)) }
            }
            #expect(computations.withLockedValue(\.self) == 1)
            #expect(try await agents[0].fill("k", dead).status == 409)
        }
    }

    /// While Redis is away each instance has leases of its own, and says so.
    @Test func inAnOutageOneOfEachInstanceComputes() async throws {
        try await self.withInstances(["REDIS_DEADLINE_MS": "30", "REDIS_RECONNECT_CAP_MS": "50"]) { redis, agents in
            redis.stop()
            for agent in agents { try await agent.waitForHealth("\"state\":\"outage\"") }
            for agent in agents {
                let first = try await agent.lease("k", seconds: 60)
                #expect(first.status == 404)
                #expect(first["x-cache-degraded"] == "1")
                let token = try #require(first.leaseToken)
                let other = try await agent.lease("k", seconds: 60)
                #expect(other.isHeld)
                #expect(try await agent.fill("k", token).status == 200)
                #expect(try await agent.get("k") == "1")
            }
            let before = try await agents[0].takeLease("other", seconds: 60)
            try redis.start()
            for agent in agents { try await agent.waitForHealth("\"status\":\"healthy\"") }
            #expect(try await agents[0].get("k") == "1", "what was filled was replayed")
            #expect(try await agents[0].fill("other", before).status == 409, "Redis knows nothing of the lease")
        }
    }

    // MARK: Random schedules

    /// What happened to a key, in an order that all clients agree on.
    private final class Course: Sendable {
        private let source = NIOLockedValueBox(0)

        /// The data that values are computed from have changed; then the key or its tag is invalidated.
        func change() -> Int {
            self.source.withLockedValue {
                $0 += 1
                return $0
            }
        }

        var now: Int { self.source.withLockedValue(\.self) }
    }

    /// Clients read the source while they hold a lease, take their time, and fill; others change the source and invalidate. Whoever reads after an
    /// invalidation has been acknowledged must not get a value of before.
    @Test(arguments: ["tag", "delete", "pattern"]) func noValueOfBeforeAnInvalidationIsSeenAfterIt(_ kind: String) async throws {
        let seed = UInt64.random(in: 0..<1_000_000)
        print("schedule of leases, \(kind): seed \(seed)")
        try await self.withInstances(["INVALIDATIONS_MAX": "64"]) { _, agents in
            let course = Course()
            let acknowledged = NIOLockedValueBox(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<12 {
                    group.addTask {
                        var random = SplitMix64(seed: seed &+ UInt64(client))
                        for _ in 0..<40 { try await Self.step(agents[0], kind, course, acknowledged, &random) }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    /// One instance: what another one knows a moment later is the near cache's promise, not that of a lease.
    private static func step(
        _ agent: AgentProcess, _ kind: String, _ course: Course, _ acknowledged: NIOLockedValueBox<Int>, _ random: inout SplitMix64
    ) async throws {
        guard Int.random(in: 0..<5, using: &random) > 0 else {
            let version = course.change()
            let answer =
                switch kind {
                case "tag": try await agent.invalidate(tag: "t")
                case "delete": try await agent.ask(Request.delete("/cache/k"))
                default: try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"k*"}"#))
                }
            guard answer.status == 200 || answer.status == 404 else { throw TestProcessError(reason: answer.text) }
            acknowledged.withLockedValue { $0 = max($0, version) }
            return
        }
        let bound = acknowledged.withLockedValue(\.self)
        let answer = try await agent.lease("k", seconds: 60, wait: 200)
        if answer.status == 200 {
            let version = answer.text.dropLast().split(separator: ":").last.flatMap { Int($0) } ?? -1
            #expect(version >= bound, "a value of before an invalidation")
            return
        }
        guard let token = answer.leaseToken else { return }
        let version = course.now
        try await Task.sleep(for: .milliseconds(Int.random(in: 0..<20, using: &random)))
        let filled = try await agent.fill("k", token, value: "\(version)", members: #","ttl":60,"tags":["t"]"#)
        guard filled.status != 200 else { return }
        #expect(filled.status == 409)
        // A tag that was not known to the lease: the next one may be given at once.
        _ = try await agent.giveUp("k", token)
    }
}
