package import Logging
import OperatingSystem
import ServiceContextModule
import Synchronization

/// The service's backend of swift-log: adds the trace of the current request, formats, and passes the line to the sink.
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

/// Counts log lines by severity, including those that were dropped.
package final class LogCounters: Sendable {
    private let counts = InlineArray<7, Atomic<Int>> { _ in Atomic(0) }

    package init() {}

    func record(_ level: Logger.Level) {
        self.counts[Self.index(level)].add(1, ordering: .relaxed)
    }

    /// Lines of one severity so far.
    package func count(_ level: Logger.Level) -> Int { self.counts[Self.index(level)].load(ordering: .relaxed) }

    private static func index(_ level: Logger.Level) -> Int {
        switch level {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .notice: 3
        case .warning: 4
        case .error: 5
        case .critical: 6
        }
    }
}
