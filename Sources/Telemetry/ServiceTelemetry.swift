/// What the process has of telemetry, made once at its start.
package struct ServiceTelemetry: Sendable {
    package let registry: MetricRegistry
    package let eventLoopDelay: EventLoopDelay
    package let logCounters: LogCounters
    package let logSink: LogSink

    package init(registry: MetricRegistry, eventLoopDelay: EventLoopDelay, logCounters: LogCounters, logSink: LogSink) {
        self.registry = registry
        self.eventLoopDelay = eventLoopDelay
        self.logCounters = logCounters
        self.logSink = logSink
    }
}
