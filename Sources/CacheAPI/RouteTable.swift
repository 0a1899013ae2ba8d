package import Access
package import Bytes
import NIOCore

/// What the service has at which path, for whom: the one list from which come the registration with the router, `Allow` and 405, the reserved names
/// below `/cache/`, the names of spans, and the paths of the OpenAPI document.
package struct RouteTable: Sendable {
    package let routes: [Route]
    /// The methods of each path other than a key's.
    private let methodsByPath: [String: RouteMethods]
    private let keyMethods: RouteMethods
    private let valueMethods: RouteMethods

    private init(_ routes: [Route]) {
        self.routes = routes
        let keys = routes.first { $0.place == .key }?.methods ?? []
        self.keyMethods = keys
        self.valueMethods = routes.first { $0.place == .value }?.methods ?? []
        // With any other method the path of a reserved name is that of a key.
        self.methodsByPath = Dictionary(
            uniqueKeysWithValues: routes.filter { $0.place != .key && $0.place != .value }.map { route in
                if case .reserved = route.place { (route.path, route.methods.union(keys)) } else { (route.path, route.methods) }
            })
    }

    /// The routes of the service.
    ///
    /// - Parameters:
    ///   - hasMetrics: whether there are metrics and a dashboard.
    ///   - metricsAreOpen: whether everybody may read the metrics.
    ///   - dashboardFiles: what the page of the dashboard loads from below `/dashboard`.
    ///   - documentationFiles: what the pages of the documentation load from below `/docs/assets`.
    package init(hasMetrics: Bool, metricsAreOpen: Bool, dashboardFiles: [String], documentationFiles: [String]) {
        var routes = Self.cache + Self.values + Self.service
        if hasMetrics { routes.append(Self.metrics(isOpen: metricsAreOpen)) }
        routes += [.page("/openapi.json", .openAPI), .page("/docs", .swaggerUI), .page("/redoc", .reDoc)]
        routes += documentationFiles.map { .page("/docs/assets/\($0)", .documentationFile($0)) }
        if hasMetrics {
            routes += [
                .page("/dashboard", .dashboard), .page("/dashboard/figures", .dashboardFigures, scope: .admin),
                .page("/dashboard/key", .dashboardKey, scope: .admin),
            ]
            routes += dashboardFiles.map { .page("/dashboard/\($0)", .dashboardFile($0)) }
        }
        self.init(routes)
    }

    /// `/metrics` alone, for a collector beside the process.
    package static let metricsOnly = RouteTable([Self.metrics(isOpen: true)])

    private static let cache = [
        Route(
            .path("/cache"),
            [
                Endpoint(.post, .cache(.set), scope: .write), Endpoint(.get, .cache(.get(.query)), scope: .read),
                Endpoint(.head, .cache(.get(.query)), scope: .read),
                Endpoint(.delete, .cache(.delete(.query)), scope: .write), Endpoint(.patch, .cache(.expire(.query)), scope: .write),
            ]),
        Route(
            .key,
            [
                Endpoint(.get, .cache(.get(.path)), scope: .read), Endpoint(.head, .cache(.get(.path)), scope: .read),
                Endpoint(.delete, .cache(.delete(.path)), scope: .write), Endpoint(.patch, .cache(.expire(.path)), scope: .write),
            ]),
        // What is allowed depends on the operations: here the caller must only be known.
        Route(.reserved(.batch), [Endpoint(.post, .cache(.batch), scope: [])]),
        Route(.reserved(.invalidate), [Endpoint(.post, .cache(.invalidate), scope: .invalidate)], hasSpan: true),
        Route(
            .reserved(.stats), [Endpoint(.get, .cache(.statistics), scope: .admin), Endpoint(.head, .cache(.statistics), scope: .admin)],
            hasSpan: true),
    ]

    private static let values = [(Route.Place.path("/values"), RouteOperation.KeyPlace.query), (.value, .path)].map { place, keyPlace in
        Route(
            place,
            [
                Endpoint(.get, .value(.get(keyPlace)), scope: .read), Endpoint(.head, .value(.get(keyPlace)), scope: .read),
                Endpoint(.put, .value(.put(keyPlace)), scope: .write), Endpoint(.delete, .value(.delete(keyPlace)), scope: .write),
            ])
    }

    private static let service: [Route] = [
        .page("/", .greeting), .page("/health", .health), .page("/health/live", .live), .page("/health/ready", .ready),
        .page("/health/startup", .startup),
    ]

    private static func metrics(isOpen: Bool) -> Route { .page("/metrics", .metrics, scope: isOpen ? nil : .admin) }

    // MARK: Questions

    /// The methods of `path`, for the `Allow` field; nil if nothing is there.
    package func allowedMethods(_ path: String) -> RouteMethods? {
        if let methods = self.methodsByPath[path] { return methods }
        for (prefix, methods) in [(CacheKey.pathPrefix, self.keyMethods), (CacheKey.valuePrefix, self.valueMethods)]
        where path.utf8.count > prefix.utf8CodeUnitCount && path.hasPrefix("\(prefix)") && !methods.isEmpty {
            return methods
        }
        return nil
    }

    /// The route of `path` if it is worth a span; nil for operations on one key, and for what is requested all the time.
    package func spanName(_ path: String) -> String? {
        for route in self.routes where route.hasSpan && route.path == path { return route.path }
        return nil
    }

    /// What answers a request below `/cache/`; nil if nothing does.
    /// - Parameter name: the reserved name that the decoded path names; nil for other keys.
    package func endpoint(_ method: RouteMethod, below name: CacheKey.ReservedName?) -> Endpoint? {
        if let name, let endpoint = self.endpoint(method, at: .reserved(name)) { return endpoint }
        return self.endpoint(method, at: .key)
    }

    private func endpoint(_ method: RouteMethod, at place: Route.Place) -> Endpoint? {
        self.routes.first { $0.place == place }?.endpoints.first { $0.method == method }
    }

    /// Whether a target is that of a probe or of the metrics. Those are answered as long as anything is, or the platform would restart the service.
    package static func isProbe(_ target: String) -> Bool {
        let path = TargetText(target).path
        return path.elementsEqual("/metrics".utf8) || path.elementsEqual("/health".utf8) || path.starts(with: "/health/".utf8)
    }
}

/// One path of the service.
package struct Route: Sendable {
    package enum Place: Hashable, Sendable {
        /// A path of its own.
        case path(String)
        /// `/cache/{key}`, whatever the key.
        case key
        /// `/values/{key}`, whatever the key.
        case value
        /// `/cache/` and a reserved name. The decoded path decides, not its spelling: `/cache/%73tats` is `/cache/stats`.
        case reserved(CacheKey.ReservedName)
    }

    package let place: Place
    /// The path as a template of OpenAPI.
    package let path: String
    package let endpoints: [Endpoint]
    /// Whether a request makes a span: not for what is requested all the time.
    let hasSpan: Bool

    init(_ place: Place, _ endpoints: [Endpoint], hasSpan: Bool = false) {
        self.place = place
        self.endpoints = endpoints
        self.hasSpan = hasSpan
        self.path =
            switch place {
            case .path(let path): path
            case .key: "\(CacheKey.pathPrefix){key}"
            case .value: "\(CacheKey.valuePrefix){key}"
            case .reserved(let name): "\(CacheKey.pathPrefix)\(name.text)"
            }
    }

    /// A path that is only read.
    static func page(_ path: String, _ page: RouteOperation.Page, scope: AccessScopes? = nil) -> Route {
        Route(.path(path), [Endpoint(.get, .page(page), scope: scope), Endpoint(.head, .page(page), scope: scope)])
    }

    package var methods: RouteMethods { RouteMethods(self.endpoints.map(\.method)) }
}

/// What one method of a path does.
package struct Endpoint: Sendable {
    package let method: RouteMethod
    package let operation: RouteOperation
    /// What a caller needs to be allowed; nil if everybody may.
    package let scope: AccessScopes?

    init(_ method: RouteMethod, _ operation: RouteOperation, scope: AccessScopes?) {
        self.method = method
        self.operation = operation
        self.scope = scope
    }
}

/// What the service does for its clients. The server has a handler for each, and the OpenAPI document a description.
package enum RouteOperation: Hashable, Sendable {
    /// Where a request names its key.
    package enum KeyPlace: String, Sendable { case path, query }

    /// What is done with keys and their values.
    package enum OnCache: Hashable, Sendable {
        case set, get(KeyPlace), delete(KeyPlace), expire(KeyPlace), batch, invalidate, statistics
    }

    /// What is done with a value as it is.
    package enum OnValue: Hashable, Sendable {
        case get(KeyPlace), put(KeyPlace), delete(KeyPlace)

        package var place: KeyPlace {
            switch self {
            case .get(let place), .put(let place), .delete(let place): place
            }
        }
    }

    /// What is only read.
    package enum Page: Hashable, Sendable {
        case greeting, health, live, ready, startup, metrics
        case openAPI, swaggerUI, reDoc, documentationFile(String)
        case dashboard, dashboardFigures, dashboardKey, dashboardFile(String)
    }

    case cache(OnCache)
    case value(OnValue)
    case page(Page)
}

/// The methods that the service knows.
package enum RouteMethod: UInt8, CaseIterable, Sendable {
    // In the order of the `Allow` field.
    case delete, get, head, patch, post, put

    package var name: StaticString {
        switch self {
        case .delete: "DELETE"
        case .get: "GET"
        case .head: "HEAD"
        case .patch: "PATCH"
        case .post: "POST"
        case .put: "PUT"
        }
    }

    package init?(_ name: String) {
        guard let method = Self.allCases.first(where: { "\($0.name)" == name }) else { return nil }
        self = method
    }
}

/// A set of methods.
package struct RouteMethods: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    init(_ methods: [RouteMethod]) {
        self.init(rawValue: methods.reduce(0) { $0 | 1 << $1.rawValue })
    }

    package var all: [RouteMethod] { RouteMethod.allCases.filter { self.contains(RouteMethods([$0])) } }

    /// The methods as a list, as `Allow` has them (RFC 9110, section 10.2.1).
    package var text: String { self.all.map { "\($0.name)" }.joined(separator: ", ") }

    package func write(into cursor: inout ByteCursor) {
        for (index, method) in self.all.enumerated() {
            if index > 0 { cursor.append(", ") }
            cursor.append(method.name)
        }
    }
}
