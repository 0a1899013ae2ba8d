import Cache
import Logging
import NIOCore
import RedisClient
import ServiceLifecycle
import Synchronization

/// Keeps the connections to Redis, and reconnects after an outage, until the server has sent its last response. Then it replays what Redis has
/// missed, if Redis answers within the grace time, and closes the connections.
struct RedisLifecycle: Service {
    /// What the rest of the stop takes: the replay ends this much before the grace time does.
    private static let reserve = TimeAmount.milliseconds(500)

    let gate: OutageGate
    let directory: ShardDirectory
    let watch: TopologyWatch
    let connector: any ShardConnector
    let loops: [EventLoopResources]
    let stopClock: StopClock
    let grace: TimeAmount
    let logger: Logger

    func run() async throws {
        if let endpoint = self.directory.endpoint(of: 0) {
            self.directory.add(await self.connector.connections(of: 0, at: endpoint), to: 0)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.watch.run() }
            try? await gracefulShutdown()
            await self.gate.waitUntilReplayed(until: self.stopClock.stopTime + self.grace - Self.reserve)
            group.cancelAll()
            self.reportLoss()
            await self.close()
        }
    }

    private func reportLoss() {
        let report = self.gate.report
        guard report.journalKeys > 0 || report.journalPatterns > 0 || report.mustPurge else { return }
        let lost = report.mustPurge ? "more than the journal could hold" : "\(report.journalKeys) keys and \(report.journalPatterns) patterns"
        self.logger.error(
            "stopping while Redis is unavailable: the journal is lost (\(lost)), and Redis serves its old values of these keys until they expire",
            metadata: [
                "journal.keys": .stringConvertible(report.journalKeys), "journal.patterns": .stringConvertible(report.journalPatterns),
                "journal.delete_everything": .stringConvertible(report.mustPurge),
            ])
    }

    private func close() async {
        for loop in self.loops {
            guard let store = loop.store.redis else { continue }
            try? await loop.eventLoop.flatSubmit { store.value.close() }.get()
        }
        for connections in self.directory.allConnections.values { await connections.control.shutDown() }
    }
}

/// Starts a service once Redis is connected, or after a moment without it: the first requests then use the same store as the later ones.
///
/// With `patience` the moment is longer: an instance whose network takes a while to start (Cloud Run with direct VPC egress) then serves no misses
/// from memory meanwhile. The port opens afterwards, so a startup probe waits too.
struct StartAfterRedis: Service {
    private static let firstAttemptLimit = Duration.milliseconds(250)
    /// Polling is enough: it happens once in the life of a process, and the gate, which every request asks, needs no list of waiters.
    private static let interval = Duration.milliseconds(20)

    let service: any Service
    let gate: OutageGate
    let patience: Duration
    let logger: Logger

    func run() async throws {
        await self.gate.waitForFirstAttempt(limit: Self.firstAttemptLimit)
        if self.patience > .zero, !self.gate.isRedisWhole { await self.waitForRedis() }
        try await self.service.run()
    }

    /// Returns when requests go to Redis, when patience is over, or when the process stops.
    private func waitForRedis() async {
        self.logger.notice("waiting for Redis before serving", metadata: ["wait.max": "\(self.patience)"])
        let begin = ContinuousClock.now
        await cancelWhenGracefulShutdown {
            while !self.gate.isRedisWhole, ContinuousClock.now - begin < self.patience, !Task.isCancelled {
                try? await Task.sleep(for: Self.interval)
            }
        }
        let waited: Logger.Metadata = ["waited": "\(ContinuousClock.now - begin)"]
        if self.gate.isRedisWhole {
            self.logger.notice("Redis has been reached", metadata: waited)
        } else if !Task.isShuttingDownGracefully {
            self.logger.warning("Redis was not reached in time: memory serves until it is", metadata: waited)
        }
    }
}

/// Records when the stop signal came. It is the last of the services, and so the first to be stopped.
final class StopClock: Service {
    private let stopped = Mutex<NIODeadline?>(nil)

    /// When the stop signal came; now, if it has not come.
    var stopTime: NIODeadline { self.stopped.withLock { $0 } ?? .now() }

    func run() async throws {
        try? await gracefulShutdown()
        self.stopped.withLock { $0 = .now() }
    }

    /// How long services may take to end after the grace time. The process then ends all the same, before the platform kills it: Cloud Run does so
    /// 10 s after the signal.
    static let cancellation = Duration.seconds(1)

    /// Bounds the stop.
    static func bound(_ configuration: inout ServiceGroupConfiguration, graceSeconds: Int) {
        configuration.maximumGracefulShutdownDuration = .seconds(graceSeconds)
        configuration.maximumCancellationDuration = self.cancellation
    }
}
