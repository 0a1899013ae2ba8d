import Foundation
import TestSupport
import Testing

/// The program and the platform.
@Suite(.timeLimit(.minutes(5))) struct RegistrationContractTests {
    private static let name = "Redis Caching Layer Agent"

    private static func settings(_ platform: FakePlatform) -> [String: String] {
        ["FACTORY_PLATFORM_URL": platform.url, "SELF_URL": "https://cache.example.com"]
    }

    @Test(arguments: FakePlatform.Store.allCases) func theServiceRegistersItself(_ store: FakePlatform.Store) async throws {
        let platform = try await FakePlatform.start(store)
        try await AgentProcess.with(Self.settings(platform)) { agent in
            var health = ""
            // It serves all the while.
            try await eventually("a registration") {
                let answer = try await agent.ask(Request.get("/health"))
                #expect(answer.status == 200)
                health = answer.text
                return health.contains(#""registration":{"state":"registered""#)
            }
            let row = try #require(platform.rows(named: Self.name).first)
            #expect(row["status"] == "active" && health.contains(#""agent_id":"\#(row["id"] ?? "")""#))
            let metrics = try await agent.ask(Request.get("/metrics")).text
            #expect(metrics.contains(#"cacheagent_factory_registration_state{state="registered"} 1"#))
        }
        #expect(platform.rows(named: Self.name).count == 1)
        try await platform.stop()
    }

    @Test func aPlatformThatIsAwayHoldsNothingUp() async throws {
        try await AgentProcess.with(["FACTORY_PLATFORM_URL": "http://127.0.0.1:1", "SELF_URL": "https://cache.example.com"]) { agent in
            let answer = try await agent.ask(Request.get("/health"))
            #expect(answer.status == 200 && answer.text.contains(#""registration":{"state":"pending"}"#))
            #expect(try await agent.ask(Request.get("/health/ready")).status == 200)
        }
    }

    @Test(.enabled(if: RedisServerProcess.isAvailable)) func oneOfEightInstancesRegisters() async throws {
        let platform = try await FakePlatform.start(.memory)
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let settings = Self.settings(platform).merging(["REDIS_URL": "redis://127.0.0.1:\(redis.port)"]) { $1 }
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 { group.addTask { try await Self.waitUntilRegistered(settings) } }
            try await group.waitForAll()
        }
        #expect(platform.creations <= 1 && platform.resets == 0)
        try await platform.stop()
    }

    /// Starts an instance and ends it when it is registered, or knows that another one is.
    static func waitUntilRegistered(_ settings: [String: String]) async throws {
        try await AgentProcess.with(settings) { agent in
            try await eventually("a registration, here or elsewhere") {
                let health = try await agent.ask(Request.get("/health")).text
                return health.contains(#""state":"registered""#) || health.contains(#""state":"elsewhere""#)
            }
        }
    }

    @Test func byHand() async throws {
        let platform = try await FakePlatform.start(.database)
        let done = try await AgentProcess.runToEnd(["register"], environment: Self.settings(platform))
        let identifier = try #require(platform.rows(named: Self.name).first?["id"])
        #expect(done.status == 0)
        #expect(done.output.contains("register: \(identifier) is draft"))
        #expect(done.output.contains("update \(identifier): \(identifier) is active"))
        #expect(done.output.hasSuffix("registered and active: \(identifier)\n"))
        let again = try await AgentProcess.runToEnd(["register"], environment: Self.settings(platform))
        #expect(again.output == "list from 0: 1 agents\nregistered and active: \(identifier)\n")
        platform.order(.list, .unavailable)
        let failed = try await AgentProcess.runToEnd(["register", "--attempts", "0"], environment: Self.settings(platform))
        #expect(failed.status == 1 && failed.output.hasSuffix("not registered: status 503\n"))
        try await platform.stop()
    }

    @Test(arguments: [
        (["FACTORY_PLATFORM_URL": "https://p"], "SELF_URL: is needed with FACTORY_PLATFORM_URL"),
        (["FACTORY_PLATFORM_URL": "p", "SELF_URL": "https://s"], "FACTORY_PLATFORM_URL: no address"),
        (["FACTORY_PLATFORM_URL": "https://p", "SELF_URL": "https://s", "AGENT_NAME": "  "], "AGENT_NAME: not 1 to 100 characters"),
    ])
    func wrongSettings(_ settings: [String: String], _ text: String) async throws {
        let ended = try await AgentProcess.runToEnd(environment: ["PORT": "0", "HOST": "127.0.0.1"].merging(settings) { $1 })
        #expect(ended.status == 78 && ended.errors.contains(text), "\(ended.errors)")
    }
}
