import Cache
import NIOCore

/// The counters, in the old service's JSON form and in Prometheus's text form.
extension Answer {
    static func metricsJSON(_ counts: OperationCounts, uptimeSeconds: Int) -> Answer {
        var body = ByteBuffer()
        body.writeStaticString("{\"cache_operations\":{")
        for (index, operation) in CacheOperation.allCases.enumerated() {
            body.writeString(index == 0 ? "\"\(operation.name)\":" : ",\"\(operation.name)\":")
            body.appendDecimal(counts[operation].operations)
        }
        body.writeStaticString("},\"response_times\":{")
        for (index, operation) in CacheOperation.allCases.enumerated() {
            body.writeString(index == 0 ? "\"\(operation.name)\":" : ",\"\(operation.name)\":")
            JSONWriter.writeDecimal(Int64((counts[operation].meanMilliseconds * 100).rounded()), scale: 2, into: &body)
        }
        body.writeStaticString("},\"error_count\":")
        body.appendDecimal(counts.errors)
        body.writeStaticString(",\"uptime_seconds\":")
        body.appendDecimal(uptimeSeconds)
        body.writeStaticString("}")
        return Answer(.ok, .prepared(body))
    }

    static func metricsText(_ counts: OperationCounts, _ health: CacheHealth, uptimeSeconds: Int) -> Answer {
        var text = PrometheusText()
        text.family("cache_operations_total", .counter, "Cache operations answered, by kind.")
        for operation in CacheOperation.allCases {
            text.sample("cache_operations_total", label: ("operation", operation.name), Double(counts[operation].operations))
        }
        text.family("cache_operation_seconds_total", .counter, "Time spent on cache operations, by kind.")
        for operation in CacheOperation.allCases {
            text.sample("cache_operation_seconds_total", label: ("operation", operation.name), Double(counts[operation].nanoseconds) / 1e9)
        }
        text.family("cache_lookups_total", .counter, "Reads by outcome.")
        text.sample("cache_lookups_total", label: ("result", "hit"), Double(counts.hits))
        text.sample("cache_lookups_total", label: ("result", "miss"), Double(counts.misses))
        text.family("http_requests_total", .counter, "Requests by the way they were answered.")
        text.sample("http_requests_total", label: ("path", "fast_lane"), Double(counts.laneRequests))
        text.sample("http_requests_total", label: ("path", "router"), Double(counts.routerRequests))
        text.single("http_connections", .gauge, "Open connections of clients.", Double(counts.openConnections))
        text.single("cache_errors_total", .counter, "Answers with a status of 500 or more.", Double(counts.errors))
        text.single("cache_degraded_answers_total", .counter, "Answers from the embedded store while Redis was away.", Double(counts.degradedAnswers))
        text.single("redis_connected", .gauge, "Whether Redis is asked.", health.isRedisConnected ? 1 : 0)
        if let outage = health.outage { text.outage(outage, now: health.now) }
        text.memory(health.memory)
        text.single("process_uptime_seconds", .gauge, "Seconds since the process started.", Double(uptimeSeconds))
        var answer = Answer(.ok, .prepared(text.bytes))
        answer.contentType = "text/plain; version=0.0.4; charset=utf-8"
        return answer
    }
}
