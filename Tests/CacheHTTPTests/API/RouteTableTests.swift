import Access
import Bytes
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import CacheAPI
@testable import CacheHTTP
@testable import Console

/// The table of routes, and that everything made from it agrees.
@Suite struct RouteTableTests {
    static func table(hasMetrics: Bool = true, metricsAreOpen: Bool = false) -> RouteTable {
        RouteTable(
            hasMetrics: hasMetrics, metricsAreOpen: metricsAreOpen, dashboardFiles: DashboardPart.allCases.map(\.rawValue),
            documentationFiles: DocumentationRoutes.files)
    }

    // MARK: Methods

    @Test(arguments: [
        ("/", "GET, HEAD"), ("/health", "GET, HEAD"), ("/metrics", "GET, HEAD"), ("/docs/assets/documentation.js", "GET, HEAD"),
        ("/dashboard/dashboard.css", "GET, HEAD"), ("/cache", "DELETE, GET, HEAD, PATCH, POST"), ("/cache/k", "DELETE, GET, HEAD, PATCH"),
        ("/cache/a/b", "DELETE, GET, HEAD, PATCH"), ("/cache/invalidate", "DELETE, GET, HEAD, PATCH, POST"),
        ("/cache/batch", "DELETE, GET, HEAD, PATCH, POST"), ("/cache/stats", "DELETE, GET, HEAD, PATCH"), ("/values", "DELETE, GET, HEAD, PUT"),
        ("/values/a/b", "DELETE, GET, HEAD, PUT"),
    ])
    func allow(_ path: String, _ methods: String) {
        #expect(Self.table().allowedMethods(path)?.text == methods)
        var buffer = ByteBuffer()
        buffer.append(maximumCount: 64) { cursor in Self.table().allowedMethods(path)?.write(into: &cursor) }
        #expect(String(buffer: buffer) == methods)
    }

    @Test(arguments: ["", "/nope", "/health/", "/cache/", "/values/", "/docs/assets/", "/docs/assets/other.js", "/dashboard/", "//"])
    func nothingIsThere(_ path: String) {
        #expect(Self.table().allowedMethods(path) == nil)
    }

    @Test func withoutMetricsThereIsNoDashboard() {
        for path in ["/metrics", "/dashboard", "/dashboard/figures", "/dashboard/dashboard.css"] {
            #expect(Self.table(hasMetrics: false).allowedMethods(path) == nil, "\(path)")
        }
    }

    @Test func theCollectorsPortHasMetricsAlone() {
        #expect(RouteTable.metricsOnly.routes.map(\.path) == ["/metrics"])
        #expect(RouteTable.metricsOnly.routes[0].endpoints.allSatisfy { $0.scope == nil })
        #expect(RouteTable.metricsOnly.allowedMethods("/cache/k") == nil)
    }

    @Test func scopes() {
        func scope(_ path: String, _ method: RouteMethod, _ table: RouteTable = Self.table()) -> AccessScopes? {
            table.routes.first { $0.path == path }?.endpoints.first { $0.method == method }?.scope
        }
        #expect(scope("/cache", .get) == .read && scope("/cache", .head) == .read && scope("/cache/{key}", .get) == .read)
        #expect(scope("/cache", .post) == .write && scope("/cache", .delete) == .write && scope("/cache/{key}", .delete) == .write)
        #expect(scope("/values/{key}", .get) == .read && scope("/values/{key}", .put) == .write && scope("/values", .delete) == .write)
        #expect(scope("/cache", .patch) == .write)
        #expect(scope("/cache/invalidate", .post) == .invalidate && scope("/cache/stats", .get) == .admin)
        #expect(scope("/dashboard/figures", .get) == .admin && scope("/metrics", .get) == .admin)
        #expect(scope("/dashboard/key", .get) == .admin)
        #expect(scope("/metrics", .get, Self.table(metricsAreOpen: true)) == nil)
        let open = Set(Self.table().routes.filter { $0.endpoints.allSatisfy { $0.scope == nil } }.map(\.path))
        #expect(scope("/cache/batch", .post) == AccessScopes())
        let restricted: Set = [
            "/cache", "/cache/batch", "/cache/{key}", "/values", "/values/{key}", "/cache/invalidate", "/cache/stats", "/metrics",
            "/dashboard/figures", "/dashboard/key",
        ]
        #expect(open == Set(Self.table().routes.map(\.path)).subtracting(restricted))
    }

    // MARK: Reserved names, spans, probes

    /// What the lane takes for a reserved name is what the table has below `/cache/`.
    @Test func reservedNames() {
        let names = Self.table().routes.compactMap { route in
            if case .reserved(let name) = route.place { name } else { nil }
        }
        #expect(Set(names) == Set(CacheKey.ReservedName.allCases))
        for name in names {
            #expect(CacheKey.reservedName(ByteBuffer(string: "\(name.text)")) == name)
            #expect(CacheKey.reservedName(ByteBuffer(string: "\(name.text)x")) == nil)
        }
        func isReserved(_ text: String) -> Bool { ByteBuffer(string: text).withUnsafeReadableBytes { CacheKey.isReserved($0) } }
        #expect(isReserved("stats") && isReserved("invalidate") && isReserved(".") && isReserved(".."))
        #expect(!isReserved("") && !isReserved("...") && !isReserved("Stats") && !isReserved("stat"))
    }

    @Test func belowCacheTheNameDecides() {
        let table = Self.table()
        #expect(table.endpoint(.get, below: .stats)?.operation == .cache(.statistics))
        #expect(table.endpoint(.head, below: .stats)?.operation == .cache(.statistics))
        #expect(table.endpoint(.delete, below: .stats)?.operation == .cache(.delete(.path)), "the key of that name")
        #expect(table.endpoint(.patch, below: .stats)?.operation == .cache(.expire(.path)))
        #expect(table.endpoint(.post, below: .stats) == nil)
        #expect(table.endpoint(.post, below: .invalidate)?.operation == .cache(.invalidate))
        #expect(table.endpoint(.get, below: .invalidate)?.operation == .cache(.get(.path)))
        #expect(table.endpoint(.post, below: .batch)?.operation == .cache(.batch))
        #expect(table.endpoint(.get, below: .batch)?.operation == .cache(.get(.path)))
        #expect(table.endpoint(.post, below: nil) == nil)
    }

    @Test func spans() {
        #expect(Self.table().routes.filter(\.hasSpan).map(\.path) == ["/cache/invalidate", "/cache/stats"])
        #expect(Self.table().spanName("/cache/stats") == "/cache/stats")
        #expect(Self.table().spanName("/cache/k") == nil && Self.table().spanName("/health") == nil)
    }

    @Test func probes() {
        let probes = Self.table().routes.map(\.path).filter { RouteTable.isProbe($0) }
        #expect(probes == ["/health", "/health/live", "/health/ready", "/health/startup", "/metrics"])
        #expect(RouteTable.isProbe("/metrics?x=1") && !RouteTable.isProbe("/metrics/") && !RouteTable.isProbe("/healthy"))
    }

    // MARK: What is made from the table

    /// Every route is registered, and nothing else is.
    @Test(arguments: [true, false]) func registration(_ hasMetrics: Bool) {
        let table = Self.table(hasMetrics: hasMetrics)
        let router = Router(context: CacheRequestContext.self)
        table.register(on: router, respond: { _, _, _ in Response(status: .ok) }, respondBelowCache: { _, _ in Response(status: .ok) })
        let registered = router.routes.map { "\($0.method) \($0.path)" }.sorted()
        let expected = table.routes.flatMap { route in
            let path =
                switch route.place {
                case .path: route.path
                case .key, .reserved: "/cache/**"
                case .value: "/values/**"
                }
            return route.endpoints.map { "\($0.method.name) \(path)" }
        }
        #expect(registered == Set(expected).sorted())
        #expect(Set(table.routes.map(\.path)).count == table.routes.count, "no path twice")
    }

    /// Every route but those of files is in the document, with its methods and its scope, and nothing else is.
    @Test(arguments: [true, false]) func documentation(_ hasAccessControl: Bool) throws {
        let table = Self.table()
        let bytes = OpenAPIDocument(table: table, limits: RequestLimits(), hasAccessControl: hasAccessControl).bytes
        let document = try #require(try JSONSerialization.jsonObject(with: Data(bytes.readableBytesView)) as? [String: Any])
        let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
        let files = table.routes.filter { route in
            route.endpoints.contains { endpoint in
                switch endpoint.operation {
                case .page(.documentationFile), .page(.dashboardFile): true
                case .page, .cache, .value: false
                }
            }
        }
        #expect(Set(paths.keys) == Set(table.routes.map(\.path)).subtracting(files.map(\.path)))
        var identifiers: Set<String> = []
        for route in table.routes {
            guard let described = paths[route.path] else { continue }
            for endpoint in route.endpoints {
                let operation = described["\(endpoint.method.name)".lowercased()]
                guard endpoint.method != .head || operation != nil else { continue }
                let identifier = try #require(operation?["operationId"] as? String)
                #expect(identifiers.insert(identifier).inserted, "\(identifier) twice")
                #expect((operation?["security"] != nil) == (hasAccessControl && endpoint.scope != nil), "\(identifier)")
            }
            #expect(Set(described.keys).isSubset(of: route.endpoints.map { "\($0.method.name)".lowercased() }))
        }
    }
}
