import Cache
import CacheAPI
import HTTPWire
import MemoryStore
import RedisClient
import ServiceLifecycle
import Synchronization
import Telemetry

/// Keeps the history that the dashboard shows, and adds to it once a second while the service runs.
///
/// It reads the atomics that `/metrics` reads, off the event loops, so no request waits.
package final class DashboardHistory: Service {
    private struct State {
        var history: MetricHistory
        /// What Redis last reported, and when; nil while Redis is unavailable.
        var redis: (memory: RedisMemory?, time: MonotonicTime)?
    }

    private static let interval = Duration.milliseconds(MetricHistory.fineMilliseconds)
    /// INFO costs Redis a command: every 15 seconds is often enough.
    private static let redisMilliseconds = MetricHistory.coarseMilliseconds

    private let reports: MetricsReporter
    private let state: Mutex<State>

    package init(reports: MetricsReporter) {
        self.reports = reports
        self.state = Mutex(State(history: MetricHistory(start: .now)))
    }

    /// The history since `time`, or all of it, and the time of the last sample.
    func excerpt(since time: MonotonicTime?) -> (excerpt: MetricHistory.Excerpt, time: MonotonicTime?) {
        self.state.withLock { ($0.history.excerpt(since: time), $0.history.time) }
    }

    /// The memory that Redis last reported.
    var redisMemory: RedisMemory? { self.state.withLock { $0.redis?.memory } }

    /// Samples until the service stops.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            // Separately, so that a slow Redis delays no sample.
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
            // Samples missed while the process was paused are not made up for.
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
    /// What the history needs of the counters. Never waits.
    func reading(redisMemory: RedisMemory?) -> HistoryReading {
        let health = self.service.currentHealth
        let operations = self.service.counts
        let http = self.httpCounters.counts
        var reading = HistoryReading(time: health.now, latency: operations.keyLatency)
        reading.counts = HistoryReading.Counts(
            hits: operations.hits, misses: operations.misses, nearHits: operations.count(.get, .near, .hit),
            outageHits: operations.count(.get, .outage, .hit), sets: operations.count(.set), deletes: operations.count(.delete),
            others: operations.count(.invalidate) + operations.count(.stats) + operations.count(.get, .refused),
            degraded: operations.count(.outage), errors: http.errors,
            refusals: LimitKind.allCases.reduce(0) { $0 + self.limiter.refusals($1) },
            evictions: health.memory.evictions, expirations: health.memory.expirations, deadlinesMissed: health.redis?.deadlinesMissed ?? 0)
        reading.levels = HistoryReading.Levels(
            connections: http.openConnections, inFlight: http.inFlight, redisPending: health.redis?.pending ?? 0,
            journalKeys: health.outage?.journalKeys ?? 0, leaseWaiting: health.leases.waiting)
        reading.counts.addLeases(health, http)
        reading.memoryEntries = health.memory.entries
        reading.memoryBytes = health.memory.bytes
        reading.nearBytes = health.near?.report.memory.bytes
        reading.process = ProcessFigures.read(countingFiles: false).map { ($0.cpuSeconds, $0.residentBytes) }
        reading.redisMemory = redisMemory
        reading.outage = health.outage
        return reading
    }
}

extension HistoryReading.Counts {
    /// What became of leases, conditions and tags.
    fileprivate mutating func addLeases(_ health: CacheHealth, _ http: HTTPCountersSnapshot) {
        self.notModified = http.notModified
        self.staleAnswers = health.values.stale
        self.outdatedReads = health.values.outdated
        self.leasesGiven = health.leases.count(.given)
        self.leasesHeld = health.leases.count(.held)
        self.leasesFilled = health.leases.count(.filled)
        self.leasesVoid = health.leases.count(.void)
    }
}

extension HTTPCountersSnapshot {
    /// 304 responses.
    var notModified: Int { RequestHandlerKind.allCases.reduce(0) { $0 + self.count($1, .notModified) } }
}
