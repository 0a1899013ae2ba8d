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
