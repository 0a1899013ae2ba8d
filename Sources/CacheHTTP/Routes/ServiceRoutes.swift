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

    func add(to router: Router<CacheRequestContext>) {
        self.add("/", to: router) { _ in .greeting }
        self.add("/health", to: router) { _ in .health(await self.service.health(), isOpen: self.isOpen) }
        // Of the process alone: a Redis outage must not restart or unload any instance, since the embedded store serves.
        self.add("/health/live", to: router) { _ in .status("alive") }
        self.add("/health/ready", to: router) { _ in .status("ready") }
        self.add("/health/startup", to: router) { _ in .status("started") }
        if self.settings.metrics { self.addMetrics(to: router) }
    }

    private func add(_ path: RouterPath, to router: Router<CacheRequestContext>, answer: @escaping @Sendable (Request) async -> Answer) {
        for method in [HTTPRequest.Method.get, .head] {
            router.on(path, method: method) { request, context in
                self.responder.response(await answer(request), to: request, context)
            }
        }
    }

    private func addMetrics(to router: Router<CacheRequestContext>) {
        for method in [HTTPRequest.Method.get, .head] {
            router.on("/metrics", method: method) { request, context in
                let verdict = self.settings.metricsAreOpen ? .allowed : context.caller.verdict(.admin)
                let answer: Answer
                if let refusal = Answer.refusal(verdict) { answer = refusal } else { answer = await self.metrics(request) }
                return self.responder.response(answer, to: request, context)
            }
        }
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
