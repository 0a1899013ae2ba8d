import TestSupport
import Testing

/// Which store is behind the program under test.
enum Store: String, CaseIterable, CustomTestStringConvertible {
    case memory, redis

    var testDescription: String { self.rawValue }

    /// The stores that can be had on this machine.
    static var available: [Store] { RedisServerProcess.isAvailable ? [.memory, .redis] : [.memory] }

    /// Starts the program on this store, with a Redis of its own if that is the store, and gives it to `body`.
    func withAgent<Result>(
        _ environment: [String: String] = [:],
        _ body: (AgentProcess) async throws -> Result
    ) async throws -> Result {
        try await self.withSettings(environment) { settings in try await AgentProcess.with(settings, body) }
    }

    /// The same for a test that ends the program itself.
    func withUnendedAgent<Result>(
        _ environment: [String: String] = [:],
        _ body: (AgentProcess) async throws -> Result
    ) async throws -> Result {
        try await self.withSettings(environment) { settings in try await body(try await AgentProcess.start(settings)) }
    }

    private func withSettings<Result>(_ environment: [String: String], _ body: ([String: String]) async throws -> Result) async throws -> Result {
        switch self {
        case .memory:
            return try await body(environment)
        case .redis:
            let redis = try RedisServerProcess()
            defer { redis.stop() }
            // Time enough on a machine that is busy: nothing here is about an outage.
            let patience = ["REDIS_CONNECT_TIMEOUT_MS": "5000", "REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000"]
            let address = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)"]
            return try await body(address.merging(patience) { $1 }.merging(environment) { $1 })
        }
    }
}
