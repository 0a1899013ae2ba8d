import Logging

/// One JSON object a line, as Google Cloud Logging reads it from a container's standard streams.
///
/// Special members are lifted out of the payload: https://cloud.google.com/logging/docs/structured-logging. Errors carry what Error Reporting needs to
/// group them; since it knows no Swift stack traces, the place in the source stands in for one:
/// https://cloud.google.com/error-reporting/docs/formatting-error-messages.
package struct GoogleCloudLogFormat: Sendable {
    /// The project of the traces; nil where it is not known, then the bare id is written.
    private let project: String?
    private let service: String
    private let version: String

    /// Cloud Logging cuts a line at 256 KiB into pieces that are no JSON.
    private static let maximumTextBytes = 8 * 1024

    package init(project: String?, service: String, version: String) {
        self.project = project
        self.service = service
        self.version = version
    }

    package func line(_ record: LogRecord) -> [UInt8] {
        var json = JSONLine(maximumTextBytes: Self.maximumTextBytes)
        json.member("severity", Self.severity(record.level))
        json.member("time", LogTime.text(seconds: record.seconds, microseconds: record.microseconds))
        json.member("message", record.message)
        if let trace = record.trace { self.write(trace, into: &json) }
        if !record.file.isEmpty {
            json.object("logging.googleapis.com/sourceLocation") { location in
                location.member("file", record.file)
                location.member("line", "\(record.line)")
                location.member("function", record.function)
            }
        }
        if record.level >= .error { self.writeErrorReport(record, into: &json) }
        for (key, value) in record.metadata.sorted(by: { $0.key < $1.key }) {
            json.member(Self.reserved.contains(key) ? "_" + key : key, metadata: value)
        }
        return json.finish()
    }

    private func write(_ trace: TraceContext, into json: inout JSONLine) {
        let id = trace.traceIDText
        json.member("logging.googleapis.com/trace", self.project.map { "projects/\($0)/traces/\(id)" } ?? id)
        json.member("logging.googleapis.com/spanId", trace.spanIDText)
        json.member("logging.googleapis.com/trace_sampled", trace.isSampled)
    }

    private func writeErrorReport(_ record: LogRecord, into json: inout JSONLine) {
        json.member("@type", "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent")
        json.object("serviceContext") { context in
            context.member("service", self.service)
            context.member("version", self.version)
        }
        json.object("context") { context in
            context.object("reportLocation") { location in
                location.member("filePath", record.file)
                location.member("lineNumber", Int(record.line))
                location.member("functionName", record.function)
            }
        }
    }

    /// What a member of the metadata must not replace.
    private static let reserved: Set<String> = ["severity", "time", "message", "@type", "serviceContext", "context"]

    /// https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#logseverity
    private static func severity(_ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "DEBUG"
        case .info: "INFO"
        case .notice: "NOTICE"
        case .warning: "WARNING"
        case .error: "ERROR"
        case .critical: "CRITICAL"
        }
    }
}
