import Access
import Cache
import Telemetry

/// Reads every counter of the process.
struct MetricsReporter: Sendable {
    let service: CacheService
    let httpCounters: HTTPCounterSet
    let telemetry: ServiceTelemetry
    let accessLog: AccessLog?
    let limiter: Limiter
    let access: AccessControl?

    func report() async -> MetricsReport {
        MetricsReport(
            operations: self.service.counts, http: self.httpCounters.counts, health: await self.service.health(),
            telemetry: self.telemetry, accessLogDropped: self.accessLog?.dropped ?? 0, limiter: self.limiter,
            rememberedTokens: self.access?.rememberedTokenCount ?? 0, recentWrites: await self.service.recentWrites())
    }
}
