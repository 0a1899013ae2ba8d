import Bytes
package import Logging

/// A log line before it is written in one of the formats.
package struct LogRecord {
    /// Since 1970.
    package var seconds: Int
    package var microseconds: Int
    package var level: Logger.Level
    package var message: String
    package var metadata: Logger.Metadata
    package var trace: TraceContext?
    package var file: String
    package var line: UInt
    package var function: String

    package init(
        seconds: Int, microseconds: Int, level: Logger.Level, message: String, metadata: Logger.Metadata = [:], trace: TraceContext? = nil,
        file: String = "", line: UInt = 0, function: String = ""
    ) {
        self.seconds = seconds
        self.microseconds = microseconds
        self.level = level
        self.message = message
        self.metadata = metadata
        self.trace = trace
        self.file = file
        self.line = line
        self.function = function
    }
}

/// How a log line is written.
package enum LogFormat: Sendable {
    /// One JSON object a line, with the fields that Google Cloud Logging knows.
    case json(GoogleCloudLogFormat)
    /// For people.
    case text(TextLogFormat)

    /// The line with its line feed.
    package func line(_ record: LogRecord) -> [UInt8] {
        switch self {
        case .json(let format): format.line(record)
        case .text(let format): format.line(record)
        }
    }
}

/// Lines for a person at a terminal: time of day (UTC), severity, message, then `name=value`.
package struct TextLogFormat: Sendable {
    /// Whether severities are coloured.
    private let isColoured: Bool

    package init(isColoured: Bool) {
        self.isColoured = isColoured
    }

    package func line(_ record: LogRecord) -> [UInt8] {
        var text = String(maximumByteCount: 32) {
            CivilTime(secondsSince1970: record.seconds).writeTimeOfDay(milliseconds: record.microseconds / 1000, into: &$0)
        }
        text += " \(self.severity(record.level)) \(Self.plain(record.message))"
        if let trace = record.trace { text += " trace=\(trace.traceIDText)" }
        for (key, value) in record.metadata.sorted(by: { $0.key < $1.key }) {
            text += " \(Self.plain(key))=\(Self.plain(value.description))"
        }
        return Array(text.utf8) + [UInt8(ascii: "\n")]
    }

    private func severity(_ level: Logger.Level) -> String {
        let name = level.rawValue.uppercased()
        let padded = name + String(repeating: " ", count: max(0, 8 - name.utf8.count))
        guard self.isColoured else { return padded }
        switch level {
        case .trace, .debug: return "\u{1b}[2m\(padded)\u{1b}[0m"
        case .info, .notice: return "\u{1b}[36m\(padded)\u{1b}[0m"
        case .warning: return "\u{1b}[33m\(padded)\u{1b}[0m"
        case .error, .critical: return "\u{1b}[31m\(padded)\u{1b}[0m"
        }
    }

    /// The text without characters that could end the line, move the cursor or turn the reading direction.
    static func plain(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: Self.isControl) else { return text }
        var plain = ""
        for scalar in text.unicodeScalars {
            if Self.isControl(scalar) {
                plain += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                plain.unicodeScalars.append(scalar)
            }
        }
        return plain
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
