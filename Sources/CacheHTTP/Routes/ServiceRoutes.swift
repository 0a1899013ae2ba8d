import Cache
import Hummingbird
import NIOCore

/// Everything outside `/cache`: who we are, how we are, what we counted.
struct ServiceRoutes: Sendable {
    let service: CacheService
    let responder: AnswerResponder

    func add(to router: Router<CacheRequestContext>) {
        self.add("/", to: router) { _ in .greeting }
        self.add("/health", to: router) { _ in .health(await self.service.health()) }
        // Of the process alone: a Redis outage must not restart or unload any instance, since the embedded store serves.
        self.add("/health/live", to: router) { _ in .status("alive") }
        self.add("/health/ready", to: router) { _ in .status("ready") }
        self.add("/health/startup", to: router) { _ in .status("started") }
        self.add("/metrics", to: router) { request in await self.metrics(request) }
    }

    private func add(_ path: RouterPath, to router: Router<CacheRequestContext>, answer: @escaping @Sendable (Request) async -> Answer) {
        for method in [HTTPRequest.Method.get, .head] {
            router.on(path, method: method) { request, context in
                self.responder.response(await answer(request), to: request, context)
            }
        }
    }

    private func metrics(_ request: Request) async -> Answer {
        let counts = self.service.counts
        if request.headers[values: .accept].contains(where: { $0.contains("application/json") }) {
            return .metricsJSON(counts, uptimeSeconds: self.service.uptimeSeconds)
        }
        return .metricsText(counts, await self.service.health(), uptimeSeconds: self.service.uptimeSeconds)
    }
}
