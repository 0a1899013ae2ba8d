package import Access
package import Cache
import Hummingbird
import HummingbirdCore
package import Logging
package import NIOCore
package import ServiceLifecycle
package import Telemetry

/// The HTTP side of the service: routes, fast lane, and the server that carries them.
package struct CacheServer: Sendable {
    private let service: CacheService
    private let scopes: EventLoopScopes
    private let settings: HTTPSettings
    private let telemetry: ServiceTelemetry
    private let accessLog: AccessLog?
    private let access: AccessControl?
    private let limiter: Limiter
    private let registration: (@Sendable () -> RegistrationHealth)?

    /// - Parameters:
    ///   - scopes: one for each event loop.
    ///   - accessLog: nil where no answer gets a line.
    ///   - access: nil where everybody may ask.
    ///   - registration: how far it is, for `/health`; nil where the service does not register itself.
    package init(
        service: CacheService, scopes: EventLoopScopes, settings: HTTPSettings, telemetry: ServiceTelemetry, accessLog: AccessLog?,
        access: AccessControl?, limiter: Limiter, registration: (@Sendable () -> RegistrationHealth)? = nil
    ) {
        self.registration = registration
        self.limiter = limiter
        self.access = access
        self.service = service
        self.scopes = scopes
        self.settings = settings
        self.telemetry = telemetry
        self.accessLog = accessLog
    }

    /// The server as a service: it runs until the graceful shutdown, stops accepting, answers what is in flight, and returns.
    /// - Parameter onRunning: called once with the listening channel.
    package func application(
        host: String,
        port: Int,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        onRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> some Service {
        let scopes = self.scopes
        let settings = self.settings
        return Application(
            responder: self.router().buildResponder(),
            server: HTTPServerBuilder { responder in CacheHTTPChannel(responder: responder, scopes: scopes, settings: settings) },
            configuration: .init(address: .hostname(host, port: port), backlog: 4096),
            onServerRunning: onRunning,
            eventLoopGroupProvider: .shared(eventLoopGroup),
            logger: logger
        )
    }

    private func router() -> Router<CacheRequestContext> {
        let router = Router(context: CacheRequestContext.self)
        let counters = HTTPCounterSet(eventLoops: self.scopes.httpCounters, router: HTTPCounters(isRecording: self.settings.metrics))
        let responder = AnswerResponder(
            counters: self.service.routerCounters, httpCounters: counters.router, accessLog: self.accessLog,
            limiter: self.limiter, variesByOrigin: self.settings.cors != nil)
        router.add(middleware: TraceMiddleware())
        if let policy = self.settings.cors {
            router.add(middleware: CORSMiddleware(policy: policy, responder: responder, hasMetrics: self.settings.metrics))
        }
        router.add(
            middleware:
                FallbackMiddleware(
                    responder: responder, hasMetrics: self.settings.metrics,
                    maximumTargetBytes: self.settings.serviceLimits.maximumTargetBytes))
        router.add(middleware: CallerMiddleware(control: self.access, responder: responder))
        CacheRoutes(service: self.service, settings: self.settings, responder: responder, httpCounters: counters).add(to: router)
        let reports = MetricsReporter(
            service: self.service, httpCounters: counters, telemetry: self.telemetry, accessLog: self.accessLog, limiter: self.limiter,
            access: self.access)
        ServiceRoutes(
            service: self.service, responder: responder, reports: reports, settings: self.settings, isOpen: self.access == nil,
            registration: self.registration
        ).add(to: router)
        if self.settings.metrics { DashboardRoutes(responder: responder, reports: reports, hasAccessControl: self.access != nil).add(to: router) }
        DocumentationRoutes(responder: responder, settings: self.settings, hasAccessControl: self.access != nil).add(to: router)
        return router
    }
}
