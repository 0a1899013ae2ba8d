import Cache
import ServiceLifecycle

/// Starts a service when Redis has been reached, or has not within a moment: the first requests then find the store that the later ones find.
struct StartAfterRedis: Service {
    private static let limit = Duration.milliseconds(250)

    let service: any Service
    let gate: OutageGate

    func run() async throws {
        await self.gate.waitForFirstAttempt(limit: Self.limit)
        try await self.service.run()
    }
}
