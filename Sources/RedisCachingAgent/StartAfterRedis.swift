import Cache
import Logging
import ServiceLifecycle

/// Starts a service when Redis has been reached, or has not within a moment: the first requests then find the store that the later ones find.
///
/// With `patience` the moment is longer: an instance whose network takes a while at its start (Cloud Run with direct VPC egress) then serves no misses
/// from memory meanwhile. Its port opens afterwards, so that a startup probe waits, too.
struct StartAfterRedis: Service {
    private static let firstAttemptLimit = Duration.milliseconds(250)
    /// This happens once in the life of a process: the gate, which every request asks, need not tell anybody.
    private static let interval = Duration.milliseconds(20)

    let service: any Service
    let gate: OutageGate
    let patience: Duration
    let logger: Logger

    func run() async throws {
        await self.gate.waitForFirstAttempt(limit: Self.firstAttemptLimit)
        if self.patience > .zero, !self.gate.isRedisAsked { await self.waitForRedis() }
        try await self.service.run()
    }

    /// Returns when Redis is asked, when patience is over, or when the process is told to stop.
    private func waitForRedis() async {
        self.logger.notice("waiting for Redis before serving", metadata: ["wait.max": "\(self.patience)"])
        let begin = ContinuousClock.now
        await cancelWhenGracefulShutdown {
            while !self.gate.isRedisAsked, ContinuousClock.now - begin < self.patience, !Task.isCancelled {
                try? await Task.sleep(for: Self.interval)
            }
        }
        let waited: Logger.Metadata = ["waited": "\(ContinuousClock.now - begin)"]
        if self.gate.isRedisAsked {
            self.logger.notice("Redis has been reached", metadata: waited)
        } else if !Task.isShuttingDownGracefully {
            self.logger.warning("Redis was not reached in time: memory serves until it is", metadata: waited)
        }
    }
}
