import Access
import Cache
import Hummingbird
import NIOCore
import Telemetry

/// Everything outside `/cache`: who we are, how we are, what we counted.
struct ServiceRoutes: Sendable {
    let service: CacheService
    let responder: AnswerResponder
    let reports: MetricsReporter
    let settings: HTTPSettings
    /// Whether everybody may ask.
    let isOpen: Bool
    /// How far the registration is; nil where there is none.
    let registration: (@Sendable () -> RegistrationHealth)?

    func add(to router: Router<CacheRequestContext>) {
        self.responder.read("/", on: router) { _ in .greeting }
        self.responder.read("/health", on: router) { _ in
            .health(await self.service.health(), isOpen: self.isOpen, registration: self.registration?())
        }
        // Of the process alone: a Redis outage must not restart or unload any instance, since the embedded store serves.
        self.responder.read("/health/live", on: router) { _ in .status("alive") }
        self.responder.read("/health/ready", on: router) { _ in .status("ready") }
        self.responder.read("/health/startup", on: router) { _ in .status("started") }
        if self.settings.metrics { self.addMetrics(scope: self.settings.metricsAreOpen ? nil : .admin, to: router) }
    }

    /// - Parameter scope: what the caller needs to be allowed; nil where everybody may.
    func addMetrics(scope: AccessScopes?, to router: Router<CacheRequestContext>) {
        self.responder.read("/metrics", scope: scope, on: router) { request in await self.metrics(request) }
    }

    private func metrics(_ request: Request) async -> Answer {
        let accepted = request.headers[values: .accept]
        if accepted.contains(where: { $0.contains("application/json") }) {
            return .metricsJSON(
                self.service.counts, errors: self.reports.httpCounters.counts.errors, uptimeSeconds: self.service.uptimeSeconds)
        }
        return .metrics(await self.reports.report(), ExpositionFormat(accept: accepted))
    }
}
