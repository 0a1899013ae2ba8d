import Bytes
import JSON
import Logging
import NIOCore

/// One JSON object a line, as Google Cloud Logging reads it from a container's standard streams.
///
/// Special members are lifted out of the payload: https://cloud.google.com/logging/docs/structured-logging. Errors carry what Error Reporting needs
/// to group them; since it knows no Swift stack traces, the place in the source stands in for one:
/// https://cloud.google.com/error-reporting/docs/formatting-error-messages.
package struct GoogleCloudLogFormat: Sendable {
    /// The project of the traces; nil if it is not known; then the bare id is written.
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
        var json = LogObject(maximumTextBytes: Self.maximumTextBytes)
        json.member("severity", Self.severity(record.level))
        json.member(
            "time",
            String(maximumByteCount: 32) { cursor in
                CivilTime(secondsSince1970: record.seconds).writeISO8601(microseconds: record.microseconds, into: &cursor)
                cursor.append("Z")
            })
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

    private func write(_ trace: TraceContext, into json: inout LogObject) {
        let id = trace.traceIDText
        json.member("logging.googleapis.com/trace", self.project.map { "projects/\($0)/traces/\(id)" } ?? id)
        json.member("logging.googleapis.com/spanId", trace.spanIDText)
        json.member("logging.googleapis.com/trace_sampled", trace.isSampled)
    }

    private func writeErrorReport(_ record: LogRecord, into json: inout LogObject) {
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

/// Writes one JSON object on one line. Whatever a text holds, it cannot end the line or the string that it stands in.
private struct LogObject {
    private var bytes = ByteBuffer(string: "{")
    private var isFirst = true
    private let maximumTextBytes: Int

    /// How deep metadata may be nested; deeper values become text.
    private static let maximumDepth = 4

    /// - Parameter maximumTextBytes: what is longer is cut.
    init(maximumTextBytes: Int) {
        self.maximumTextBytes = maximumTextBytes
    }

    mutating func member(_ name: String, _ value: String) {
        self.name(name)
        self.string(value)
    }

    mutating func member(_ name: String, _ value: Int) {
        self.name(name)
        JSONWriter.writeInteger(Int64(value), into: &self.bytes)
    }

    mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        self.bytes.writeStaticString(value ? "true" : "false")
    }

    mutating func member(_ name: String, metadata value: Logger.MetadataValue) {
        self.name(name)
        self.value(value, depth: 0)
    }

    mutating func object(_ name: String, _ body: (inout LogObject) -> Void) {
        self.name(name)
        self.bytes.writeStaticString("{")
        self.isFirst = true
        body(&self)
        self.bytes.writeStaticString("}")
        self.isFirst = false
    }

    /// The line with its line feed.
    consuming func finish() -> [UInt8] {
        self.bytes.writeStaticString("}\n")
        return Array(self.bytes.readableBytesView)
    }

    private mutating func name(_ name: String) {
        if !self.isFirst { self.bytes.writeStaticString(",") }
        self.isFirst = false
        self.string(name)
        self.bytes.writeStaticString(":")
    }

    private mutating func value(_ value: Logger.MetadataValue, depth: Int) {
        switch value {
        case .string(let text): self.string(text)
        case .stringConvertible(let number as Int): JSONWriter.writeInteger(Int64(number), into: &self.bytes)
        case .stringConvertible(let flag as Bool): self.bytes.writeStaticString(flag ? "true" : "false")
        case .stringConvertible(let other): self.string(other.description)
        case .dictionary(let members) where depth < Self.maximumDepth:
            self.bytes.writeStaticString("{")
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { self.bytes.writeStaticString(",") }
                self.string(member.key)
                self.bytes.writeStaticString(":")
                self.value(member.value, depth: depth + 1)
            }
            self.bytes.writeStaticString("}")
        case .array(let elements) where depth < Self.maximumDepth:
            self.bytes.writeStaticString("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { self.bytes.writeStaticString(",") }
                self.value(element, depth: depth + 1)
            }
            self.bytes.writeStaticString("]")
        case .dictionary, .array: self.string(value.description)
        }
    }

    private mutating func string(_ text: String) {
        JSONWriter.writeLineString(text, maximumByteCount: self.maximumTextBytes, into: &self.bytes)
    }
}
