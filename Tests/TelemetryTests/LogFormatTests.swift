import Foundation
import Logging
import Testing

@testable import Telemetry

struct LogFormatTests {
    private let json = GoogleCloudLogFormat(project: "my-project", service: "cache", version: "1.2.3")

    private func record(_ message: String, level: Logger.Level = .info, _ metadata: Logger.Metadata = [:], trace: TraceContext? = nil) -> LogRecord {
        LogRecord(
            seconds: 1_795_440_654, microseconds: 7_089, level: level, message: message, metadata: metadata, trace: trace,
            file: "Cache/Outage.swift", line: 42, function: "run()")
    }

    private func object(_ record: LogRecord, _ format: GoogleCloudLogFormat? = nil) throws -> [String: Any] {
        let line = (format ?? self.json).line(record)
        #expect(line.last == UInt8(ascii: "\n") && line.count { $0 == UInt8(ascii: "\n") } == 1)
        return try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
    }

    @Test func theFieldsOfCloudLogging() throws {
        let trace = TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 3, isSampled: true)
        let object = try self.object(self.record("hello", ["key": "value", "count": .stringConvertible(3)], trace: trace))
        #expect(object["severity"] as? String == "INFO")
        #expect(object["time"] as? String == "2026-11-23T13:30:54.007089Z")
        #expect(object["message"] as? String == "hello")
        #expect(object["logging.googleapis.com/trace"] as? String == "projects/my-project/traces/00000000000000010000000000000002")
        #expect(object["logging.googleapis.com/spanId"] as? String == "0000000000000003")
        #expect(object["logging.googleapis.com/trace_sampled"] as? Bool == true)
        #expect(
            object["logging.googleapis.com/sourceLocation"] as? [String: String] == ["file": "Cache/Outage.swift", "line": "42", "function": "run()"])
        #expect(object["key"] as? String == "value")
        #expect(object["count"] as? Int == 3)
        #expect(object["@type"] == nil)
    }

    @Test func withoutAProjectTheTraceIsItsId() throws {
        let trace = TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 3, isSampled: false)
        let object = try self.object(self.record("x", trace: trace), GoogleCloudLogFormat(project: nil, service: "s", version: "v"))
        #expect(object["logging.googleapis.com/trace"] as? String == "00000000000000010000000000000002")
    }

    @Test(arguments: [
        (Logger.Level.trace, "DEBUG"), (.debug, "DEBUG"), (.info, "INFO"), (.notice, "NOTICE"), (.warning, "WARNING"), (.error, "ERROR"),
        (.critical, "CRITICAL"),
    ])
    func severities(_ level: Logger.Level, _ severity: String) throws {
        #expect(try self.object(self.record("x", level: level))["severity"] as? String == severity)
    }

    /// https://cloud.google.com/error-reporting/docs/formatting-error-messages
    @Test func errorsAreReported() throws {
        let object = try self.object(self.record("broken", level: .error))
        #expect(object["@type"] as? String == "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent")
        #expect(object["serviceContext"] as? [String: String] == ["service": "cache", "version": "1.2.3"])
        let location = (object["context"] as? [String: Any])?["reportLocation"] as? [String: Any]
        #expect(location?["filePath"] as? String == "Cache/Outage.swift")
        #expect(location?["lineNumber"] as? Int == 42)
        #expect(location?["functionName"] as? String == "run()")
    }

    private static let hostile = [
        "a\nb", "a\r\nb", "\u{0}\u{1f}\u{7f}", "\u{85}\u{2028}\u{2029}", "\"},{\"severity\":\"EMERGENCY", "\\", "\u{1b}[2J", "\u{202e}gnirts",
        String(repeating: "x", count: 100_000), "é€😀",
    ]

    @Test(arguments: hostile) func nothingForgesALine(_ text: String) throws {
        let object = try self.object(self.record(text, [text: "\(text)", "nested": .dictionary([text: .array(["\(text)"])])]))
        #expect(object["severity"] as? String == "INFO")
        let message = try #require(object["message"] as? String)
        #expect(message == text || (message.hasSuffix("…") && text.hasPrefix(message.dropLast())))
        let bytes = self.json.line(self.record(text))
        #expect(!bytes.dropLast().contains { $0 < 0x20 || $0 == 0x7f })
        let plain = TextLogFormat(isColoured: false).line(self.record(text, ["key": "\(text)"]))
        #expect(plain.last == UInt8(ascii: "\n") && !plain.dropLast().contains { $0 < 0x20 || $0 == 0x7f })
        #expect(!String(decoding: plain, as: UTF8.self).unicodeScalars.contains { $0 == "\u{2028}" || $0 == "\u{85}" || $0 == "\u{202e}" })
    }

    @Test func metadataCannotReplaceTheFields() throws {
        let object = try self.object(self.record("real", level: .warning, ["severity": "INFO", "message": "false", "@type": "x"]))
        #expect(object["severity"] as? String == "WARNING")
        #expect(object["message"] as? String == "real")
        #expect(object["_message"] as? String == "false")
        #expect(object["@type"] == nil)
    }

    @Test func forPeople() {
        let record = self.record("hello", level: .warning, ["b": "2", "a": "1"])
        #expect(String(decoding: TextLogFormat(isColoured: false).line(record), as: UTF8.self) == "13:30:54.007 WARNING  hello a=1 b=2\n")
        #expect(String(decoding: TextLogFormat(isColoured: true).line(record), as: UTF8.self).contains("\u{1b}[33mWARNING"))
    }
}
