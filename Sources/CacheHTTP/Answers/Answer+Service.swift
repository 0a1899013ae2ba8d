import Cache
import NIOCore
import OperatingSystem

/// The answers of the contract about the service itself.
extension Answer {
    static var greeting: Answer {
        var body = ByteBuffer()
        body.writeStaticString("{\"message\":\"Redis Caching Layer Agent - Google Cloud Run\",\"version\":\"")
        body.writeString(ServiceVersion.current)
        body.writeStaticString("\",\"status\":\"operational\",\"docs\":\"/docs\"}")
        return Answer(.ok, .prepared(body))
    }

    /// The answer to what is no HTTP.
    static var invalidRequest: Answer { Answer(.badRequest, .detail("Invalid HTTP request received")) }

    /// The answer to a head beyond its bound.
    static var headTooLarge: Answer { Answer(.requestHeaderFieldsTooLarge, .detail("Request header fields too large")) }

    static func status(_ text: StaticString) -> Answer {
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
    ///   - registration: nil where the service does not register itself.
    static func health(_ health: CacheHealth, isOpen: Bool, registration: RegistrationHealth? = nil) -> Answer {
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
            OutageText(now: health.now, wallClock: now).write(outage, refusedCommands: health.refusedCommands, into: &body)
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

    static func validation(_ faults: [ValidationFault]) -> Answer {
        var body = ByteBuffer()
        writeFaults(faults, into: &body)
        return Answer(.unprocessableContent, .prepared(body))
    }

    /// A dry run says how many keys match, and that none was deleted. While Redis is away, `complete` is false: what it holds is not known then, and a
    /// number must not look as if it were.
    static func invalidated(_ pattern: ByteBuffer, isDryRun: Bool, _ outcome: InvalidationOutcome) -> Answer {
        var body = ByteBuffer()
        body.writeStaticString("{\"success\":true,\"pattern\":")
        JSONWriter.writeString(pattern, into: &body)
        body.writeStaticString(",\"keys_deleted\":")
        var source = CacheSource.outage
        switch outcome {
        case .incomplete:
            return Answer(.serviceUnavailable, .detail("The invalidation could not be completed; try again"))
        case .invalidated(let count, let store):
            source = store
            body.appendDecimal(isDryRun ? 0 : count)
            body.writeStaticString(isDryRun ? ",\"dry_run\":true,\"keys_matched\":" : ",\"message\":\"Invalidated ")
            body.appendDecimal(count)
            body.writeStaticString(isDryRun ? ",\"message\":\"Dry run: nothing was deleted\"}" : " keys matching pattern\"}")
        case .queued(let keysInMemory):
            body.appendDecimal(keysInMemory)
            body.writeStaticString(",\"complete\":false,\"message\":\"Invalidation queued: Redis is unavailable, and its matching keys are ")
            body.writeStaticString("deleted when it is back\"}")
        case .unknown:
            body.writeStaticString("0,\"dry_run\":true,\"keys_matched\":null,\"complete\":false,\"message\":\"Dry run: how many keys match is ")
            body.writeStaticString("unknown while Redis is unavailable\"}")
        }
        var answer = Answer(.ok, .prepared(body))
        answer.cacheStatus = CacheStatus(outcome: isDryRun ? .read : .deleted, source: source)
        answer.source = source
        return answer
    }

    static func statistics(_ statistics: CacheStatistics) -> Answer {
        var body = ByteBuffer()
        body.writeStaticString("{\"total_keys\":")
        body.appendDecimal(statistics.totalKeys)
        body.writeStaticString(",\"memory_usage\":")
        JSONWriter.writeString(statistics.memoryUsage, into: &body)
        body.writeStaticString(",\"connected_clients\":")
        body.appendDecimal(statistics.connectedClients)
        body.writeStaticString(",\"uptime_seconds\":")
        body.appendDecimal(statistics.uptimeSeconds)
        body.writeStaticString(",\"total_commands_processed\":")
        body.appendDecimal(statistics.totalCommandsProcessed)
        body.writeStaticString(",\"keyspace_hits\":")
        body.appendDecimal(statistics.keyspaceHits)
        body.writeStaticString(",\"keyspace_misses\":")
        body.appendDecimal(statistics.keyspaceMisses)
        body.writeStaticString(",\"hit_rate\":")
        JSONWriter.writeDecimal(Int64(statistics.hitRateHundredths), scale: 2, into: &body)
        if statistics.source.isDegraded {
            body.writeStaticString(",\"complete\":false,\"message\":\"Redis is unavailable: these are the figures of the embedded store that ")
            body.writeStaticString("stands in for it\"")
        }
        body.writeStaticString("}")
        var answer = Answer(.ok, .prepared(body))
        answer.source = statistics.source
        return answer
    }
}
