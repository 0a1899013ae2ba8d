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
