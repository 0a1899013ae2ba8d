import Cache
import MemoryStore
import NIOCore
import OperatingSystem
import RedisClient
import Telemetry

/// What the dashboard asks for every other second: counts since the start, from which it takes differences.
struct DashboardFigures {
    let report: MetricsReport
    /// Which of several instances this is, so that nobody compares the counts of two.
    let instance: String

    var bytes: ByteBuffer {
        var buffer = ByteBuffer()
        self.root.write(into: &buffer)
        return buffer
    }

    private var root: JSONNode {
        let health = self.report.health
        return [
            "instance": .string(self.instance),
            "version": .string(ServiceVersion.current),
            "time_ms": .integer(Int(health.now.milliseconds)),
            "uptime_seconds": .integer(health.uptimeSeconds),
            "store": .string(health.outage == nil ? CacheSource.memory.name : CacheSource.redis.name),
            "operations": self.operations,
            "latency": self.latency,
            "http": [
                "connections": .integer(self.report.http.openConnections), "in_flight": .integer(self.report.http.inFlight),
                "errors": .integer(self.report.http.errors),
            ],
            "memory": [
                "entries": .integer(health.memory.entries), "bytes": .integer(health.memory.bytes),
                "maximum_bytes": .integer(health.memory.maximumBytes), "evictions": .integer(health.memory.evictions),
                "expirations": .integer(health.memory.expirations),
            ],
            "redis": self.redis,
            "redis_client": health.redis.map { counts in
                [
                    "pending": .integer(counts.pending), "connections": .integer(counts.connections),
                    "deadlines_missed": .integer(counts.deadlinesMissed),
                ]
            } ?? nil,
        ]
    }

    private var operations: JSONNode {
        .object(
            CacheOperation.allCases.map { operation in
                (
                    operation.name,
                    .object(operation.possibleResults.map { ($0.name, .integer(self.report.operations.count(operation, $0))) })
                )
            })
    }

    /// Of the operations on one key together.
    private var latency: JSONNode {
        var latency = self.report.operations.latency(.get)
        latency.add(self.report.operations.latency(.set))
        latency.add(self.report.operations.latency(.delete))
        return ["bounds": .array(latency.bounds.map { .number($0) }), "counts": .array(latency.counts.map { .integer($0) })]
    }

    /// The same as in `/health`.
    private var redis: JSONNode {
        guard let outage = self.report.health.outage else { return nil }
        var text = ByteBuffer()
        OutageText(now: self.report.health.now, wallClock: WallClock.now())
            .write(outage, refusedCommands: self.report.health.refusedCommands, into: &text)
        return .prepared(text)
    }
}
