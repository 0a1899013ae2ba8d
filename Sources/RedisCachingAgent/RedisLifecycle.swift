import Cache
import Logging
import NIOCore
import RedisClient
import ServiceLifecycle

/// Keeps the connections to Redis, and takes them back after an outage, until the server has answered its last request; then tells Redis what it has
/// missed, if it can be reached within the grace time, and closes them.
struct RedisLifecycle: Service {
    /// What the rest of the stop takes: the replay ends this much before the grace time does.
    private static let reserve = TimeAmount.milliseconds(500)

    let loops: [EventLoopParts]
    let redis: RedisParts
    let stopClock: StopClock
    let grace: TimeAmount
    let logger: Logger

    func run() async throws {
        let recovery = OutageRecovery(
            gate: self.redis.gate, control: self.redis.control,
            eventLoops: self.loops.compactMap { loop in loop.store.redis.map { (loop.eventLoop, $0) } },
            clientName: self.redis.clientName)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await recovery.run() }
            try? await gracefulShutdown()
            await self.redis.gate.waitUntilReplayed(until: self.stopClock.stopTime + self.grace - Self.reserve)
            group.cancelAll()
            self.reportLoss()
            await self.close()
        }
    }

    private func reportLoss() {
        let report = self.redis.gate.report
        guard report.journalKeys > 0 || report.journalPatterns > 0 || report.mustPurge else { return }
        let lost = report.mustPurge ? "more than the journal could hold" : "\(report.journalKeys) keys and \(report.journalPatterns) patterns"
        self.logger.error(
            "stopping while Redis is away: what it was not told of is lost (\(lost)), and what it holds of these keys is served until it expires",
            metadata: [
                "journal.keys": .stringConvertible(report.journalKeys), "journal.patterns": .stringConvertible(report.journalPatterns),
                "journal.delete_everything": .stringConvertible(report.mustPurge),
            ])
    }

    private func close() async {
        for parts in self.loops {
            guard let store = parts.store.redis else { continue }
            try? await parts.eventLoop.flatSubmit { store.value.close() }.get()
        }
        await self.redis.control.shutDown()
    }
}
