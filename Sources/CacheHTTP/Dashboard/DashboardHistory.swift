import Cache
import MemoryStore
import RedisClient
import ServiceLifecycle
import Synchronization
import Telemetry

/// Keeps the history that the dashboard shows, and adds to it once a second while the service runs.
///
/// It reads the atomics that `/metrics` reads, on a thread of its own pool: no event loop is asked, and no request waits.
final class DashboardHistory: Service {
    private struct State {
        var history: MetricHistory
        /// What Redis last said, nothing if it refused, and when; nil while Redis is away.
        var redis: (memory: RedisMemory?, time: MonotonicTime)?
    }

    private static let interval = Duration.milliseconds(MetricHistory.fineMilliseconds)
    /// INFO is a command like any other to Redis: once in a while is often enough for its memory.
    private static let redisMilliseconds = MetricHistory.coarseMilliseconds

    private let reports: MetricsReporter
    private let state: Mutex<State>

    init(reports: MetricsReporter) {
        self.reports = reports
        self.state = Mutex(State(history: MetricHistory(start: .now)))
    }

    /// What has come since `time`; everything if there is none. The time is that of the last sample.
    func excerpt(since time: MonotonicTime?) -> (excerpt: MetricHistory.Excerpt, time: MonotonicTime?) {
        self.state.withLock { ($0.history.excerpt(since: time), $0.history.time) }
    }

    /// What Redis last said of its memory.
    var redisMemory: RedisMemory? { self.state.withLock { $0.redis?.memory } }

    /// Samples until the service stops.
    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            // Apart, so that a Redis that is slow to answer delays no sample.
            for step in [self.sample, self.askRedis] as [@Sendable () async -> Void] {
                group.addTask { try? await cancelWhenGracefulShutdown { try await Self.everySecond(step) } }
            }
        }
    }

    private static func everySecond(_ step: @Sendable () async -> Void) async throws {
        let clock = ContinuousClock()
        var next = clock.now
        while true {
            await step()
            // After a pause of the whole process the samples that it missed are not made up for.
            next = max(next.advanced(by: self.interval), clock.now)
            try await Task.sleep(until: next, clock: clock)
        }
    }

    @Sendable private func sample() {
        let reading = self.reports.reading(redisMemory: self.redisMemory)
        self.state.withLock { $0.history.add(reading) }
    }

    @Sendable private func askRedis() async {
        let service = self.reports.service
        guard service.isRedisAsked else { return self.state.withLock { $0.redis = nil } }
        let last = self.state.withLock { $0.redis }
        if let last, MonotonicTime.now.milliseconds - last.time.milliseconds < Self.redisMilliseconds { return }
        let information = await service.redisInformation()
        let now = MonotonicTime.now
        let previous = last.flatMap { last in last.memory.map { ($0, seconds: Double(now.milliseconds - last.time.milliseconds) / 1000) } }
        let memory = information.flatMap { RedisMemory($0, previous: previous) }
        self.state.withLock { $0.redis = (memory, now) }
    }
}

extension MetricsReporter {
    /// What the history needs of the counters. Waits for nobody.
    func reading(redisMemory: RedisMemory?) -> HistoryReading {
        let health = self.service.currentHealth
        let operations = self.service.counts
        let http = self.httpCounters.counts
        var reading = HistoryReading(time: health.now, latency: operations.keyLatency)
        reading.counts = HistoryReading.Counts(
            hits: operations.hits, misses: operations.misses, sets: operations.count(.set), deletes: operations.count(.delete),
            others: operations.count(.invalidate) + operations.count(.stats) + operations.count(.get, .refused),
            degraded: operations.count(.outage), errors: http.errors,
            refusals: LimitKind.allCases.reduce(0) { $0 + self.limiter.refusals($1) },
            evictions: health.memory.evictions, expirations: health.memory.expirations, deadlinesMissed: health.redis?.deadlinesMissed ?? 0)
        reading.levels = HistoryReading.Levels(
            connections: http.openConnections, inFlight: http.inFlight, redisPending: health.redis?.pending ?? 0,
            journalKeys: health.outage?.journalKeys ?? 0)
        reading.memoryEntries = health.memory.entries
        reading.memoryBytes = health.memory.bytes
        reading.process = ProcessFigures.read(countingFiles: false).map { ($0.cpuSeconds, $0.residentBytes) }
        reading.redisMemory = redisMemory
        reading.outage = health.outage
        return reading
    }
}
