import Cache
import CacheAPI
import HTTPWire
import JSON
import MemoryStore
import NIOCore
import OperatingSystem
import RedisClient
import Telemetry

/// What the dashboard fetches every other second: the state of the service, and the samples since the last fetch.
struct DashboardFigures {
    let report: MetricsReport
    let history: MetricHistory.Excerpt
    /// When the last sample was taken: the page fetches from here next time. nil before the first.
    let historyTime: MonotonicTime?
    /// Whether the history is complete, not only the samples since the last fetch.
    let isWholeHistory: Bool
    let redisMemory: RedisMemory?
    /// Identifies the instance, so that the page keeps the histories of several apart.
    let instance: String
    let wallClock: (seconds: Int, microseconds: Int)

    var bytes: ByteBuffer {
        var buffer = ByteBuffer()
        self.root.write(into: &buffer)
        return buffer
    }

    private var root: JSONNode {
        let health = self.report.health
        let operations = self.report.operations
        return [
            "instance": .string(self.instance),
            "version": .string(ServiceVersion.current),
            // The same moment on both clocks: times of the history are on the first.
            "time_ms": .integer(Int(health.now.milliseconds)),
            "wall_ms": .integer(self.wallClock.seconds * 1000 + self.wallClock.microseconds / 1000),
            "uptime_seconds": .integer(health.uptimeSeconds),
            "store": .string(health.outage == nil ? CacheSource.memory.name : CacheSource.redis.name),
            "since_start": [
                "hits": .integer(operations.hits), "misses": .integer(operations.misses), "errors": .integer(self.report.http.errors),
                "not_modified": .integer(self.report.http.notModified), "stale_answers": .integer(health.values.stale),
                "outdated_reads": .integer(health.values.outdated),
            ],
            "leases": .object(
                LeaseCounters.Event.allCases.map { ($0.name, .integer(health.leases.count($0))) } + [("waiting", .integer(health.leases.waiting))]),
            "http": [
                "connections": .integer(self.report.http.openConnections), "in_flight": .integer(self.report.http.inFlight),
            ],
            "memory": [
                "entries": .integer(health.memory.entries), "bytes": .integer(health.memory.bytes),
                "maximum_bytes": .integer(health.memory.maximumBytes),
            ],
            "near_cache": self.nearCache,
            "redis": self.redis,
            "redis_client": health.redis.map { counts in
                [
                    "pending": .integer(counts.pending), "connections": .integer(counts.connections),
                    "deadlines_missed": .integer(counts.deadlinesMissed),
                ]
            } ?? nil,
            "redis_memory": self.redisMemory.map { memory in
                [
                    "used_bytes": .integer(memory.usedBytes), "maximum_bytes": .integer(memory.maximumBytes),
                    "evictions": .integer(memory.evictions),
                ]
            } ?? nil,
            "history": [
                "whole": .boolean(self.isWholeHistory),
                "time_ms": self.historyTime.map { .integer(Int($0.milliseconds)) } ?? nil,
                "columns": .array(HistorySample.columns.map { .string($0.name) }),
                "fine": self.rows(self.history.fine),
                "coarse": self.rows(self.history.coarse),
                "marks": .array(self.history.marks.map(self.mark)),
            ],
        ]
    }

    /// The same as in `/health`.
    private var redis: JSONNode {
        guard let outage = self.report.health.outage else { return nil }
        var text = ByteBuffer()
        OutageText(now: self.report.health.now, wallClock: self.wallClock)
            .write(outage, refusedCommands: self.report.health.refusedCommands, cluster: self.report.health.cluster, into: &text)
        return .prepared(text)
    }

    /// The same as in `/health`, and the bound; nil if the settings keep no copies.
    private var nearCache: JSONNode {
        guard let report = self.report.health.near?.report else { return nil }
        var text = ByteBuffer()
        NearCacheText.write(report, into: &text)
        return ["state": .prepared(text), "maximum_bytes": .integer(report.memory.maximumBytes)]
    }

    /// Only numbers, in the order of the columns: names would make the response three times as long.
    private func rows(_ samples: [HistorySample]) -> JSONNode {
        var text = ByteBuffer()
        text.writeStaticString("[")
        for (index, sample) in samples.enumerated() {
            text.writeStaticString(index == 0 ? "[" : ",[")
            for (index, column) in HistorySample.columns.enumerated() {
                if index > 0 { text.writeStaticString(",") }
                guard let value = column.value(sample) else {
                    text.writeStaticString("null")
                    continue
                }
                JSONWriter.writeInteger(value, into: &text)
            }
            text.writeStaticString("]")
        }
        text.writeStaticString("]")
        return .prepared(text)
    }

    private func mark(_ mark: HistoryMark) -> JSONNode {
        [
            "number": .integer(mark.number),
            "kind": .string(mark.kind.rawValue),
            "begin_ms": .integer(Int(mark.begin.milliseconds)),
            "end_ms": mark.end.map { .integer(Int($0.milliseconds)) } ?? nil,
            "reason": mark.reason.map { .string($0) } ?? nil,
            "replayed_keys": mark.replayedKeys.map { .integer($0) } ?? nil,
        ]
    }
}

extension HistorySample {
    /// The values of a sample as whole numbers, nil if unknown, by the names that the page uses.
    static let columns: [(name: String, value: @Sendable (HistorySample) -> Int64?)] = [
        ("time_ms", { $0.time.milliseconds }),
        ("duration_ms", { Int64($0.durationMilliseconds) }),
        ("hits", { Int64($0.hits) }),
        ("misses", { Int64($0.misses) }),
        ("near_hits", { Int64($0.nearHits) }),
        ("outage_hits", { Int64($0.outageHits) }),
        ("sets", { Int64($0.sets) }),
        ("deletes", { Int64($0.deletes) }),
        ("others", { Int64($0.others) }),
        ("degraded", { Int64($0.degraded) }),
        ("errors", { Int64($0.errors) }),
        ("refusals", { Int64($0.refusals) }),
        ("deadlines_missed", { Int64($0.deadlinesMissed) }),
        ("evictions", { Int64($0.evictions) }),
        ("expirations", { Int64($0.expirations) }),
        ("not_modified", { Int64($0.notModified) }),
        ("stale_answers", { Int64($0.staleAnswers) }),
        ("outdated_reads", { Int64($0.outdatedReads) }),
        ("leases_given", { Int64($0.leasesGiven) }),
        ("leases_held", { Int64($0.leasesHeld) }),
        ("leases_filled", { Int64($0.leasesFilled) }),
        ("leases_void", { Int64($0.leasesVoid) }),
        ("lease_waiting", { Int64($0.leaseWaiting) }),
        ("slow", { Int64($0.slow) }),
        ("p50_us", { $0.median.map { Int64($0) } }),
        ("p99_us", { $0.percentile99.map { Int64($0) } }),
        ("connections", { Int64($0.connections) }),
        ("in_flight", { Int64($0.inFlight) }),
        ("redis_pending", { Int64($0.redisPending) }),
        ("journal_keys", { Int64($0.journalKeys) }),
        ("memory_entries", { Int64($0.memoryEntries) }),
        ("memory_bytes", { $0.memoryBytes }),
        ("near_bytes", { $0.nearBytes }),
        ("resident_bytes", { $0.residentBytes }),
        ("processor_permille", { $0.processorPermille.map { Int64($0) } }),
        ("redis_used_bytes", { $0.redisUsedBytes }),
        ("redis_maximum_bytes", { $0.redisMaximumBytes }),
        ("redis_evictions_per_second", { $0.redisEvictionsPerSecond.map { Int64($0.rounded()) } }),
    ]
}
