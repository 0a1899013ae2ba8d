package import Access
package import Cache
package import CacheAPI
import Console
package import HTTPWire
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
    private let accessLog: AccessLog?
    private let access: AccessControl?
    private let limiter: Limiter
    private let registration: (@Sendable () -> RegistrationHealth)?
    private let counters: HTTPCounterSet
    private let reports: MetricsReporter
    private let history: DashboardHistory?

    /// - Parameters:
    ///   - scopes: one for each event loop.
    ///   - accessLog: nil if no answer gets a line.
    ///   - access: nil if there is no access control.
    ///   - registration: its state, for `/health`; nil if the service does not register itself.
    package init(
        service: CacheService, scopes: EventLoopScopes, settings: HTTPSettings, telemetry: ServiceTelemetry, accessLog: AccessLog?,
        access: AccessControl?, limiter: Limiter, registration: (@Sendable () -> RegistrationHealth)? = nil
    ) {
        self.registration = registration
        self.counters = HTTPCounterSet(eventLoops: scopes.httpCounters, router: HTTPCounters(isRecording: settings.metrics))
        self.limiter = limiter
        self.access = access
        self.service = service
        self.scopes = scopes
        self.settings = settings
        self.accessLog = accessLog
        self.reports = MetricsReporter(
            service: service, httpCounters: self.counters, telemetry: telemetry, accessLog: accessLog, limiter: limiter, access: access)
        self.history = settings.metrics ? DashboardHistory(reports: self.reports) : nil
    }

    /// What must run beside the server: the dashboard's history, if anything is counted.
    package var services: [any Service] { self.history.map { [$0] } ?? [] }

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
            responder: self.serviceRouter().buildResponder(),
            server: HTTPServerBuilder { responder in CacheHTTPChannel(responder: responder, scopes: scopes, settings: settings) },
            configuration: .init(address: .hostname(host, port: port), backlog: 4096),
            onServerRunning: onRunning,
            eventLoopGroupProvider: .shared(eventLoopGroup),
            logger: logger
        )
    }

    /// `/metrics` and nothing else on the loopback, for a collector beside this process, which has no key. Nobody else comes there.
    ///
    /// - Parameters:
    ///   - port: 0 for one that the kernel chooses.
    ///   - onRunning: called once with the listening channel.
    package func metricsApplication(
        port: Int, eventLoopGroup: any EventLoopGroup, logger: Logger, onRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> some Service {
        let router = self.router(.metricsOnly)
        return Application(
            responder: router.buildResponder(),
            configuration: .init(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: onRunning,
            eventLoopGroupProvider: .shared(eventLoopGroup),
            logger: logger
        )
    }

    private var responder: AnswerResponder {
        AnswerResponder(
            counters: self.service.routerCounters, httpCounters: self.counters.router, accessLog: self.accessLog,
            limiter: self.limiter, variesByOrigin: self.settings.cors != nil)
    }

    /// What the service has at which path.
    private var table: RouteTable {
        RouteTable(
            hasMetrics: self.settings.metrics, metricsAreOpen: self.settings.metricsAreOpen, dashboardFiles: DashboardPart.allCases.map(\.rawValue),
            documentationFiles: DocumentationRoutes.files)
    }

    /// The routes of the service behind everything that judges a request.
    private func serviceRouter() -> Router<CacheRequestContext> {
        let table = self.table
        return self.router(table) { router, responder in
            if let policy = self.settings.cors { router.add(middleware: CORSMiddleware(policy: policy, responder: responder, table: table)) }
            router.add(
                middleware: FallbackMiddleware(
                    responder: responder, table: table, maximumTargetBytes: self.settings.serviceLimits.maximumTargetBytes))
            router.add(middleware: CallerMiddleware(control: self.access, responder: responder))
        }
    }

    private func router(
        _ table: RouteTable, addMiddleware: (Router<CacheRequestContext>, AnswerResponder) -> Void = { _, _ in }
    ) -> Router<CacheRequestContext> {
        let router = Router(context: CacheRequestContext.self)
        let responder = self.responder
        router.add(middleware: TraceMiddleware(table: table))
        addMiddleware(router, responder)
        let handlers = self.handlers(table, responder)
        table.register(on: router, respond: handlers.respond, respondBelowCache: handlers.cache.respondBelow)
        return router
    }

    private func handlers(_ table: RouteTable, _ responder: AnswerResponder) -> RouteHandlers {
        RouteHandlers(
            responder: responder,
            cache: CacheRoutes(
                service: self.service, settings: self.settings, table: table, responder: responder, httpCounters: self.counters),
            values: ValueRoutes(service: self.service, settings: self.settings, responder: responder),
            inspection: KeyInspectionRoute(service: self.service, limits: self.settings.limits, responder: responder),
            service: ServiceRoutes(
                service: self.service, reports: self.reports, isOpen: self.access == nil, registration: self.registration),
            documentation: DocumentationRoutes(
                OpenAPIDocument(table: table, limits: self.settings.limits, hasAccessControl: self.access != nil),
                directory: self.settings.documentationDirectory),
            dashboard: self.history.map { DashboardRoutes(reports: self.reports, history: $0, hasAccessControl: self.access != nil) })
    }
}
