package import Logging
import OperatingSystem
import ServiceContextModule

/// The service's backend of swift-log: adds the trace of the request at hand, formats, and hands the line to the sink.
package struct ServiceLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let format: LogFormat
    private let sink: LogSink
    private let counters: LogCounters

    package init(level: Logger.Level, format: LogFormat, sink: LogSink, counters: LogCounters) {
        self.logLevel = level
        self.format = format
        self.sink = sink
        self.counters = counters
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var metadata = self.metadata
        if let provided = self.metadataProvider?.get() { metadata.merge(provided) { _, new in new } }
        if let own = event.metadata { metadata.merge(own) { _, new in new } }
        if let error = event.error { metadata["error"] = "\(error)" }
        let time = WallClock.now()
        let record = LogRecord(
            seconds: time.seconds, microseconds: time.microseconds, level: event.level, message: event.message.description, metadata: metadata,
            trace: ServiceContext.current?.traceContext, file: event.file, line: event.line, function: event.function)
        self.counters.record(event.level)
        self.sink.write(self.format.line(record))
    }
}
