import Bytes
package import Cache
import JSON
package import MemoryStore
package import NIOCore
import OperatingSystem

/// The answers of the contract about the service itself.
extension Answer {
    package static var greeting: Answer {
        var body = ByteBuffer()
        body.writeStaticString("{\"message\":\"Redis Caching Layer Agent - Google Cloud Run\",\"version\":\"")
        body.writeString(ServiceVersion.current)
        body.writeStaticString("\",\"status\":\"operational\",\"docs\":\"/docs\"}")
        return Answer(.ok, .prepared(body))
    }

    package static func status(_ text: StaticString) -> Answer {
        var body = ByteBuffer()
        body.writeStaticString("{\"status\":\"")
        body.writeStaticString(text)
        body.writeStaticString("\"}")
        return Answer(.ok, .prepared(body))
    }

    /// Always with status 200: a degraded service serves.
    ///
    /// - Parameters:
    ///   - isOpen: whether everybody may read and write, which is worth a warning.
    ///   - registration: nil if the service does not register itself.
    package static func health(_ health: CacheHealth, isOpen: Bool, registration: RegistrationHealth? = nil) -> Answer {
        let now = WallClock.now()
        var body = ByteBuffer()
        body.writeStaticString(health.isDegraded ? "{\"status\":\"degraded\",\"timestamp\":\"" : "{\"status\":\"healthy\",\"timestamp\":\"")
        body.append(maximumCount: 32) { CivilTime(secondsSince1970: now.seconds).writeISO8601(microseconds: now.microseconds, into: &$0) }
        body.writeStaticString(health.isRedisConnected ? "\",\"redis_connected\":true" : "\",\"redis_connected\":false")
        body.writeStaticString(",\"version\":\"")
        body.writeString(ServiceVersion.current)
        body.writeStaticString("\",\"uptime_seconds\":")
        body.appendDecimal(health.uptimeSeconds)
        if isOpen {
            body.writeStaticString(",\"warnings\":[\"no API keys are configured: everybody who reaches the service may use it\"]")
        }
        if let outage = health.outage {
            body.writeStaticString(",\"redis\":")
            OutageText(now: health.now, wallClock: now)
                .write(outage, refusedCommands: health.refusedCommands, cluster: health.cluster, into: &body)
            body.writeStaticString(",\"near_cache\":")
            NearCacheText.write(health.near?.report, into: &body)
        }
        if let registration {
            body.writeStaticString(",\"registration\":{\"state\":")
            JSONWriter.writeString(ByteBuffer(string: registration.state), into: &body)
            if let identifier = registration.identifier {
                body.writeStaticString(",\"agent_id\":")
                JSONWriter.writeString(ByteBuffer(string: identifier), into: &body)
            }
            body.writeStaticString("}")
        }
        body.writeStaticString("}")
        return Answer(.ok, .prepared(body))
    }

    /// The operations of the old service, whose JSON form has no others.
    private static let oldOperations: [CacheOperation] = [.set, .get, .delete, .invalidate, .stats]

    /// The counters, in the old service's JSON form.
    package static func metricsJSON(_ counts: OperationCounts, errors: Int, uptimeSeconds: Int) -> Answer {
        var body = ByteBuffer()
        body.writeStaticString("{\"cache_operations\":{")
        for (index, operation) in self.oldOperations.enumerated() {
            body.writeString(index == 0 ? "\"\(operation.name)\":" : ",\"\(operation.name)\":")
            body.appendDecimal(counts.count(operation))
        }
        body.writeStaticString("},\"response_times\":{")
        for (index, operation) in self.oldOperations.enumerated() {
            body.writeString(index == 0 ? "\"\(operation.name)\":" : ",\"\(operation.name)\":")
            JSONWriter.writeDecimal(Int64((counts.meanMilliseconds(operation) * 100).rounded()), scale: 2, into: &body)
        }
        body.writeStaticString("},\"error_count\":")
        body.appendDecimal(errors)
        body.writeStaticString(",\"uptime_seconds\":")
        body.appendDecimal(uptimeSeconds)
        body.writeStaticString("}")
        return Answer(.ok, .prepared(body))
    }
}

/// Writes the state of Redis as the member `redis` of `GET /health`.
package struct OutageText {
    /// The same moment on both clocks.
    private let now: MonotonicTime
    private let wallClock: (seconds: Int, microseconds: Int)

    package init(now: MonotonicTime, wallClock: (seconds: Int, microseconds: Int)) {
        self.now = now
        self.wallClock = wallClock
    }

    /// - Parameter cluster: nil if Redis is none.
    package func write(_ report: OutageReport, refusedCommands: [String], cluster: ClusterReport? = nil, into body: inout ByteBuffer) {
        body.writeString("{\"state\":\"\(report.state.rawValue)\",\"since\":")
        self.writeTime(report.since, into: &body)
        if let reason = report.reason {
            body.writeString(",\"reason\":\"\(reason.code)\",\"detail\":\"\(reason.sentence)\"")
        } else {
            body.writeStaticString(",\"reason\":null,\"detail\":null")
        }
        self.writeJournal(report, into: &body)
        body.writeStaticString(",\"last_replay\":")
        if let replay = report.lastReplay {
            self.writeReplay(replay, into: &body)
        } else {
            body.writeStaticString("null")
        }
        body.writeStaticString(",\"refused_commands\":[")
        body.writeString(refusedCommands.map { "\"\($0)\"" }.joined(separator: ","))
        body.writeStaticString("]")
        if let cluster {
            body.writeStaticString(",\"cluster\":")
            self.writeCluster(cluster, into: &body)
        }
        body.writeStaticString("}")
    }

    /// Neither a host nor the name of a node, which would tell an attacker where Redis is.
    private func writeCluster(_ cluster: ClusterReport, into body: inout ByteBuffer) {
        body.writeStaticString("{\"shards\":[")
        for (position, shard) in cluster.shards.enumerated() {
            body.writeString("\(position == 0 ? "" : ","){\"index\":\(shard.index),\"state\":\"\(shard.outage.state.rawValue)\",\"reason\":")
            body.writeString(shard.outage.reason.map { "\"\($0.code)\"" } ?? "null")
            body.writeStaticString(",\"since\":")
            self.writeTime(shard.outage.since, into: &body)
            body.writeString(",\"slots\":\(shard.slots)}")
        }
        body.writeStaticString("],\"slots_served\":")
        // Rounded down: with one slot missing it is not 1.
        JSONWriter.writeDecimal(Int64(cluster.servedShare * 100_000), scale: 5, into: &body)
        body.writeString(",\"nodes\":\(cluster.topology.nodes)}")
    }

    private func writeJournal(_ report: OutageReport, into body: inout ByteBuffer) {
        let age = report.journalOldest.map { self.now.milliseconds - $0.milliseconds } ?? 0
        body.writeString(
            ",\"journal\":{\"keys\":\(report.journalKeys),\"patterns\":\(report.journalPatterns),\"bytes\":\(report.journalBytes),\"age_seconds\":")
        JSONWriter.writeDecimal(age, scale: 3, into: &body)
        body.writeString(",\"delete_everything\":\(report.mustPurge)}")
    }

    private func writeReplay(_ replay: OutageReport.Replay, into body: inout ByteBuffer) {
        body.writeStaticString("{\"ended\":")
        self.writeTime(replay.end, into: &body)
        body.writeString(",\"duration_ms\":\(replay.durationMilliseconds),\"keys\":\(replay.keys),\"patterns\":\(replay.patterns)")
        body.writeString(",\"refused\":\(replay.refused),\"deleted_everything\":\(replay.isPurge)}")
    }

    private func writeTime(_ time: MonotonicTime, into body: inout ByteBuffer) {
        let microseconds = self.wallClock.seconds * 1_000_000 + self.wallClock.microseconds - Int(self.now.milliseconds - time.milliseconds) * 1000
        body.writeStaticString("\"")
        body.append(maximumCount: 32) {
            CivilTime(secondsSince1970: microseconds / 1_000_000).writeISO8601(microseconds: microseconds % 1_000_000, into: &$0)
        }
        body.writeStaticString("\"")
    }
}

/// Writes the copies of reads, and what keeps them true, as the member `near_cache` of `GET /health`.
package enum NearCacheText {
    /// - Parameter report: nil if the settings keep no copies.
    package static func write(_ report: NearCacheReport?, into body: inout ByteBuffer) {
        guard let report else {
            body.writeStaticString("{\"coherence\":\"off\",\"reason\":\"the settings keep no copies (NEAR_CACHE)\",\"entries\":0,\"bytes\":0}")
            return
        }
        let reason = report.reason.map { "\"\($0)\"" } ?? "null"
        body.writeString("{\"coherence\":\"\(report.coherence.rawValue)\",\"reason\":\(reason)")
        body.writeString(",\"entries\":\(report.memory.entries),\"bytes\":\(report.memory.bytes)}")
    }
}

/// The state of the service's registration, as `GET /health` reports it.
package struct RegistrationHealth: Sendable {
    package let state: String
    /// As the platform calls the service.
    package let identifier: String?

    package init(state: String, identifier: String?) {
        self.state = state
        self.identifier = identifier
    }
}
