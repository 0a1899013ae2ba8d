import CacheAPI
import Console
import CoreMetrics
import GoogleCloud
import Logging
import OperatingSystem
import Telemetry

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Sets up logging and metrics for the process. The log goes to standard error.
struct AgentTelemetry: Sendable {
    private static let label = "redis-caching-agent"

    let telemetry: ServiceTelemetry
    let logger: Logger

    /// Must be called once in a process.
    static func start(_ settings: LogSettings, _ metadata: MetadataServer) async -> AgentTelemetry {
        // If the reader of the log goes away, the service must go on.
        signal(SIGPIPE, SIG_IGN)
        let format = await self.format(settings, metadata)
        let sink = LogSink(descriptor: STDERR_FILENO, maximumBytes: settings.bufferBytes) { self.lossLine(format, $0) }
        let counters = LogCounters()
        let level = settings.level
        LoggingSystem.bootstrap { _ in ServiceLogHandler(level: level, format: format, sink: sink, counters: counters) }
        let registry = MetricRegistry(MetricCatalogue.registered)
        MetricsSystem.bootstrap(registry)
        let telemetry = ServiceTelemetry(registry: registry, eventLoopDelay: EventLoopDelay(), logCounters: counters, logSink: sink)
        return AgentTelemetry(telemetry: telemetry, logger: Logger(label: self.label))
    }

    private static func format(_ settings: LogSettings, _ metadata: MetadataServer) async -> LogFormat {
        let isTerminal = isatty(STDERR_FILENO) == 1
        guard settings.format == .json || (settings.format == .auto && !isTerminal) else {
            return .text(TextLogFormat(isColoured: isTerminal && getenv("NO_COLOR") == nil))
        }
        var project = settings.project
        // Without it log lines are not linked to traces; the service starts all the same.
        if project == nil, settings.isCloudRun { project = try? await metadata.projectIdentifier() }
        return .json(GoogleCloudLogFormat(project: project, service: self.label, version: ServiceVersion.current))
    }

    private static func lossLine(_ format: LogFormat, _ count: Int) -> [UInt8] {
        let time = WallClock.now()
        return format.line(
            LogRecord(
                seconds: time.seconds, microseconds: time.microseconds, level: .warning,
                message: "log lines dropped: LOG_BUFFER_BYTES waited to be written",
                metadata: ["log.dropped": .stringConvertible(count)]))
    }
}
