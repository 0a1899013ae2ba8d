import Cache
import NIOCore
import Telemetry

/// The counters, in the old service's JSON form and in Prometheus's text form.
extension Answer {
    static func metricsJSON(_ counts: OperationCounts, errors: Int, uptimeSeconds: Int) -> Answer {
        var body = ByteBuffer()
        body.writeStaticString("{\"cache_operations\":{")
        for (index, operation) in CacheOperation.allCases.enumerated() {
            body.writeString(index == 0 ? "\"\(operation.name)\":" : ",\"\(operation.name)\":")
            body.appendDecimal(counts.count(operation))
        }
        body.writeStaticString("},\"response_times\":{")
        for (index, operation) in CacheOperation.allCases.enumerated() {
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

    static func metrics(_ report: MetricsReport, _ format: ExpositionFormat) -> Answer {
        var answer = Answer(.ok, .prepared(report.text(format)))
        answer.contentType = format.contentType
        return answer
    }
}
