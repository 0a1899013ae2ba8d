package import Bytes
package import Cache
import JSON
package import NIOCore

/// The answers of the contract to operations of the cache.
extension Answer {
    /// The answer to a get or a delete of `key`.
    /// - Parameter conditions: what the request expects of the value.
    package static func lookup(_ key: ByteBuffer, _ outcome: CacheAnswer, conditions: RequestConditions = RequestConditions()) -> Answer {
        guard case .hit(let value, let remaining, let source) = outcome else { return self.untaggedLookup(key, outcome) }
        guard let json = JSONText.readable(value) else { return self.notJSON(value, source) }
        var answer = Answer(.ok, .value(key: key, json)).with(.hit(remainingMilliseconds: remaining), source)
        answer.bear(EntityTag(value), conditions, source)
        return answer
    }

    /// The same without an entity tag.
    static func untaggedLookup(_ key: ByteBuffer, _ outcome: CacheAnswer) -> Answer {
        switch outcome {
        case .hit(let value, let remaining, let source):
            guard let json = JSONText.readable(value) else { return .notJSON(value, source) }
            return Answer(.ok, .value(key: key, json)).with(.hit(remainingMilliseconds: remaining), source)
        case .deleted(let source):
            return Answer(.ok, .deleted(key: key)).with(.deleted, source)
        case .miss(let source), .stored(let source):
            return Answer(.notFound, .detail("Key not found")).with(.miss, source)
        case .refused(let refusal, let source):
            return .refusal(refusal, source)
        case .conflict(let source), .unavailable(let source):
            return .unavailable(source)
        }
    }

    /// Gives the answer to a read the tag of its value; it becomes another one if the client has the value already, or wants another one.
    mutating func bear(_ tag: EntityTag, _ conditions: RequestConditions, _ source: CacheSource) {
        switch conditions.verdict(tag) {
        case .met:
            break
        case .matched:
            self.status = .notModified
            self.body = .prepared(ByteBuffer())
        case .failed:
            self = .preconditionFailed(source)
            return
        }
        self.entityTag = tag
    }

    /// The answer to a request whose condition the value does not meet.
    static func preconditionFailed(_ source: CacheSource) -> Answer {
        Answer(.preconditionFailed, .detail("The value is not as the request expects it")).with(.conflict, source)
    }

    /// The answer to a read of what cannot stand in JSON.
    private static func notJSON(_ value: CachedValue, _ source: CacheSource) -> Answer {
        guard case .envelope = value else { return .refusal(.notReadable, source) }
        return Answer(.unsupportedMediaType, .detail("The value is not JSON; /values/ answers it as it is")).with(.refused, source)
    }

    /// The answer to what needs Redis while it is away, or does not say what became of it.
    static func unavailable(_ source: CacheSource) -> Answer {
        var answer = Answer(.serviceUnavailable, .detail("Redis is needed for this request and did not answer; try again"))
        answer.retryAfterSeconds = 1
        return answer.with(.refused, source)
    }

    /// The answer to a set of `key`.
    package static func store(_ key: ByteBuffer, ttlSeconds: Int64?, _ outcome: CacheAnswer) -> Answer {
        switch outcome {
        case .refused(let refusal, let source): .refusal(refusal, source)
        case .unavailable(let source), .conflict(let source): .unavailable(source)
        case .stored, .hit, .miss, .deleted: Answer(.ok, .stored(key: key, ttlSeconds: ttlSeconds)).with(.stored, outcome.source)
        }
    }

    /// The answer to a new time to live of `key`.
    package static func expire(_ key: ByteBuffer, ttlSeconds: Int64?, _ outcome: CacheAnswer) -> Answer {
        guard case .stored(let source) = outcome else { return .lookup(key, outcome) }
        return Answer(.ok, .expires(key: key, ttlSeconds: ttlSeconds ?? 0)).with(.changed, source)
    }

    /// A dry run says how many keys match, and that none was deleted. While Redis is away, `complete` is false: what it holds is not known then, and
    /// a number must not look as if it were.
    package static func invalidated(_ pattern: ByteBuffer, isDryRun: Bool, _ outcome: InvalidationOutcome) -> Answer {
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
        case .queued(let keysGone):
            body.appendDecimal(keysGone)
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

    package static func statistics(_ statistics: CacheStatistics) -> Answer {
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
        if !statistics.isWhole {
            body.writeStaticString(",\"complete\":false,\"message\":\"A shard of Redis is unavailable: these are the figures of the others\"")
        } else if statistics.source.isDegraded {
            body.writeStaticString(",\"complete\":false,\"message\":\"Redis is unavailable: these are the figures of the embedded store that ")
            body.writeStaticString("stands in for it\"")
        }
        body.writeStaticString("}")
        var answer = Answer(.ok, .prepared(body))
        answer.source = statistics.source
        return answer
    }

    static func refusal(_ refusal: CacheRefusal, _ source: CacheSource) -> Answer {
        let answer =
            switch refusal {
            case .outOfMemory: Answer(.insufficientStorage, .detail("The cache is out of memory"))
            case .valueTooLargeForStore: Answer(.insufficientStorage, .detail("The value is larger than the embedded store may hold"))
            case .valueTooLargeForRedis: Answer(.insufficientStorage, .detail("The value is larger than Redis may hold"))
            case .timeToLiveRequired:
                Answer.validation([ValidationFault(.greaterThanEqual(1), at: .field("ttl"), input: .value(ByteBuffer(string: "0")))])
            case .notPermitted: Answer(.forbidden, .detail("The cache may not use this key"))
            case .notReadable: Answer(.unsupportedMediaType, .detail("The key does not hold a text value"))
            }
        return answer.with(.refused, source)
    }

    consuming func with(_ outcome: CacheStatus.Outcome, _ source: CacheSource) -> Answer {
        self.cacheStatus = CacheStatus(outcome: outcome, source: source)
        self.source = source
        return self
    }
}

/// The `Cache-Status` field (RFC 9211): what the cache did for this answer.
package struct CacheStatus {
    package enum Outcome {
        /// The key had a value, which is fresh for this many milliseconds; negative if it is stale.
        case hit(remainingMilliseconds: Int64?)
        /// The key had none.
        case miss
        /// The value was stored.
        case stored
        /// The value was deleted.
        case deleted
        /// Something about the value was changed, but not the value.
        case changed
        /// Something was counted, nothing changed.
        case read
        /// The key does not hold what the request expects.
        case conflict
        /// The store refused.
        case refused
    }

    package let outcome: Outcome
    /// nil if several stores answered.
    package let source: CacheSource?

    /// Whether a value was answered whose freshness has ended.
    var isStale: Bool {
        if case .hit(let remaining?) = self.outcome { remaining < 0 } else { false }
    }

    package func write(into cursor: inout ByteCursor) {
        switch self.outcome {
        case .hit(let remaining):
            cursor.append("redis-caching-agent; hit")
            if let remaining {
                // Rounded as Redis's TTL does, so that both show the same number.
                cursor.append("; ttl=")
                cursor.appendDecimal(Int((min(remaining, .max - 500) + (remaining < 0 ? -500 : 500)) / 1000))
            }
        case .miss: cursor.append("redis-caching-agent; fwd=miss")
        case .stored: cursor.append("redis-caching-agent; fwd=method; stored")
        case .deleted, .changed, .read: cursor.append("redis-caching-agent; fwd=method")
        case .conflict, .refused: cursor.append("redis-caching-agent; fwd=bypass")
        }
        switch self.source {
        case .memory: cursor.append("; detail=memory")
        case .redis: cursor.append("; detail=redis")
        case .outage: cursor.append("; detail=outage")
        case .near: cursor.append("; detail=near")
        case nil: break
        }
    }
}

extension Answer {
    /// Counts the answer to an operation of the cache.
    package func record(_ operation: CacheOperation, nanoseconds: Int, in counters: OperationCounters) {
        counters.record(operation, self.source ?? .redis, self.result, nanoseconds: nanoseconds)
    }

    /// What came of the operation. An answer without a cache status is that of the statistics, or of an invalidation that broke off.
    var result: OperationResult {
        switch self.cacheStatus?.outcome {
        case .hit: .hit
        case .miss: .miss
        case .stored, .changed: .stored
        case .deleted: .deleted
        case .read: .read
        case .conflict: .conflict
        case .refused: .refused
        case nil: self.status == .ok ? .read : .incomplete
        }
    }
}
