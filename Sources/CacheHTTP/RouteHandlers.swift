import Cache
import CacheAPI
import Console
import HTTPWire
import Hummingbird
import NIOCore
import NIOPosix
import OperatingSystem
import Telemetry

extension RouteTable {
    /// Registers every route, and nothing else.
    ///
    /// - Parameters:
    ///   - respond: answers a request of an endpoint.
    ///   - respondBelowCache: answers what is below `/cache/`. There the decoded path decides which endpoint it is (`endpoint(_:below:)`), which the
    ///     router, which compares paths as they are spelled, cannot know.
    func register(
        on router: Router<CacheRequestContext>,
        respond: @escaping @Sendable (Endpoint, Request, CacheRequestContext) async throws -> Response,
        respondBelowCache: @escaping @Sendable (Request, CacheRequestContext) async throws -> Response
    ) {
        var belowCache: RouteMethods = []
        for route in self.routes {
            switch route.place {
            case .path(let path):
                for endpoint in route.endpoints {
                    router.on(RouterPath(path), method: endpoint.method.httpMethod) { request, context in
                        try await respond(endpoint, request, context)
                    }
                }
            case .value:
                for endpoint in route.endpoints {
                    router.on(Self.belowValues, method: endpoint.method.httpMethod) { request, context in
                        try await respond(endpoint, request, context)
                    }
                }
            case .key, .reserved:
                belowCache.formUnion(route.methods)
            }
        }
        for method in belowCache.all { router.on(Self.belowCache, method: method.httpMethod, use: respondBelowCache) }
    }

    static let belowCache = RouterPath("\(CacheKey.pathPrefix)**")
    static let belowValues = RouterPath("\(CacheKey.valuePrefix)**")
}

extension RouteMethod {
    var httpMethod: HTTPRequest.Method {
        switch self {
        case .delete: .delete
        case .get: .get
        case .head: .head
        case .patch: .patch
        case .post: .post
        case .put: .put
        }
    }
}

/// What answers the requests of each endpoint.
struct RouteHandlers: Sendable {
    let responder: AnswerResponder
    let cache: CacheRoutes
    let values: ValueRoutes
    let inspection: KeyInspectionRoute
    let service: ServiceRoutes
    let documentation: DocumentationRoutes
    /// nil if nothing is counted.
    let dashboard: DashboardRoutes?

    @Sendable
    func respond(_ endpoint: Endpoint, _ request: Request, _ context: CacheRequestContext) async throws -> Response {
        switch endpoint.operation {
        case .cache(let operation):
            return try await self.cache.respond(operation, endpoint.scope, request, context)
        case .value(let operation):
            return try await self.values.respond(operation, endpoint.scope, request, context)
        case .page(.dashboardKey):
            return try await self.inspection.respond(endpoint.scope, request, context)
        case .page(let page):
            if let refusal = self.responder.refusal(endpoint.scope, request, context) { return refusal }
            return self.responder.response(await self.answer(page, request), to: request, context)
        }
    }

    private func answer(_ page: RouteOperation.Page, _ request: Request) async -> Answer {
        switch page {
        case .greeting: .greeting
        case .health: await self.service.health()
        // Of the process alone: a Redis outage must not restart or unload any instance, since the embedded store serves.
        case .live: .status("alive")
        case .ready: .status("ready")
        case .startup: .status("started")
        case .metrics: await self.service.metrics(accept: request.headers[values: .accept])
        case .openAPI: self.documentation.document
        case .swaggerUI: self.documentation.swaggerUI
        case .reDoc: self.documentation.reDoc
        case .documentationFile(let name): await self.documentation.file(name) ?? .notFound
        case .dashboard: self.dashboard?.page ?? .notFound
        case .dashboardFile(let name): self.dashboard?.file(name) ?? .notFound
        // Answered by `inspection`.
        case .dashboardKey: .notFound
        case .dashboardFigures:
            await self.dashboard?.figures(have: TargetText(request.head.path ?? "").parameter("have").value ?? ByteBuffer()) ?? .notFound
        }
    }
}

/// The health and the metrics of the service.
struct ServiceRoutes: Sendable {
    let service: CacheService
    let reports: MetricsReporter
    /// Whether there is no access control.
    let isOpen: Bool
    /// The state of the registration; nil if the service does not register itself.
    let registration: (@Sendable () -> RegistrationHealth)?

    func health() async -> Answer {
        .health(await self.service.health(), isOpen: self.isOpen, registration: self.registration?())
    }

    /// The counters, in the old service's JSON form or in one of Prometheus's text forms.
    /// - Parameter accept: the media types that the client takes.
    func metrics(accept: [String]) async -> Answer {
        if accept.contains(where: { $0.contains("application/json") }) {
            return .metricsJSON(
                self.service.counts, errors: self.reports.httpCounters.counts.errors, uptimeSeconds: self.service.uptimeSeconds)
        }
        let format = ExpositionFormat(accept: accept)
        var answer = Answer(.ok, .prepared(await self.reports.report().text(format)))
        answer.contentType = format.contentType
        return answer
    }
}

/// The description of the interface: `/openapi.json` for programs, `/docs` and `/redoc` for people.
struct DocumentationRoutes: Sendable {
    let document: Answer
    let swaggerUI: Answer
    let reDoc: Answer
    private let script: Answer
    private let directory: String?

    init(_ document: OpenAPIDocument, directory: String?) {
        let pages = DocumentationPages(origin: directory == nil ? .mirror : .service)
        self.document = Answer(.ok, .prepared(document.bytes))
        self.swaggerUI = pages.swaggerUI
        self.reDoc = pages.reDoc
        self.script = pages.script
        self.directory = directory
    }

    private static let scriptName = "documentation.js"

    /// What the pages load from below `/docs/assets`.
    static let files = [Self.scriptName] + DocumentationAsset.allCases.map(\.rawValue)

    /// A file that the pages load; nil if there is none.
    func file(_ name: String) async -> Answer? {
        if name == Self.scriptName { return self.script }
        guard let asset = DocumentationAsset(rawValue: name) else { return nil }
        return await self.file(asset)
    }

    /// The largest of them, Swagger UI, has 1.5 MB.
    private static let maximumAssetBytes = 16 * 1024 * 1024

    /// Read anew for every request: few ever ask, and keeping them would cost three megabytes.
    private func file(_ asset: DocumentationAsset) async -> Answer? {
        guard let directory = self.directory else { return nil }
        let bytes = try? await NIOThreadPool.singleton.runIfActive {
            WholeFile.read("\(directory)/\(asset.rawValue)", maximumBytes: Self.maximumAssetBytes)
        }
        guard let bytes = bytes ?? nil else { return nil }
        var answer = Answer(.ok, .prepared(ByteBuffer(bytes: bytes)))
        answer.contentType = asset.contentType
        answer.contentSecurityPolicy = PagePolicy.swaggerUI(.service).contentSecurity
        return answer
    }
}
