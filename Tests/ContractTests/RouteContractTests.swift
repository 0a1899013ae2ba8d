import TestSupport
import Testing

@testable import CacheAPI
@testable import CacheHTTP
@testable import Console

/// Every route of the table answers, with the methods of the table and no others.
@Suite struct RouteContractTests {
    private static func table(hasMetrics: Bool) -> RouteTable {
        RouteTable(
            hasMetrics: hasMetrics, metricsAreOpen: false, dashboardFiles: DashboardPart.allCases.map(\.rawValue),
            documentationFiles: DocumentationRoutes.files)
    }

    private func status(_ agent: AgentProcess, _ method: String, _ path: String) async throws -> (line: String, allow: String?) {
        try await WireClient.connect(port: agent.port) { connection in
            try await connection.send(Array((Request.head(method, path, ["Content-Length: 0"]) + "\r\n").utf8))
            let answer = try await connection.response(toHead: method == "HEAD")
            return (answer.statusLine, answer["allow"])
        }
    }

    @Test(arguments: [true, false]) func everyRouteAnswers(_ hasMetrics: Bool) async throws {
        try await AgentProcess.with(["METRICS": hasMetrics ? "on" : "off"]) { agent in
            let table = Self.table(hasMetrics: hasMetrics)
            for route in table.routes {
                let path = route.path.replacing("{key}", with: "k")
                for endpoint in route.endpoints {
                    let (line, _) = try await self.status(agent, "\(endpoint.method.name)", path)
                    #expect(line.hasPrefix("HTTP/1.1 \(Self.expected(endpoint)) "), "\(endpoint.method) \(path)")
                }
                let (line, allow) = try await self.status(agent, "TRACE", path)
                #expect(line == "HTTP/1.1 405 Method Not Allowed", "\(path)")
                #expect(allow == table.allowedMethods(path)?.text, "\(path)")
            }
        }
    }

    /// The bound of targets holds in the lane as in the router.
    @Test(arguments: ["on", "off"]) func aTargetBeyondItsBound(_ lane: String) async throws {
        try await AgentProcess.with(["TARGET_MAX_BYTES": "64", "FAST_LANE": lane]) { agent in
            let longest = "/cache/" + String(repeating: "k", count: 64 - "/cache/".utf8.count)
            for method in ["GET", "DELETE"] {
                let (admitted, _) = try await self.status(agent, method, longest)
                #expect(admitted == "HTTP/1.1 404 Not Found")
                let (refused, _) = try await self.status(agent, method, longest + "k")
                #expect(refused == "HTTP/1.1 414 URI Too Long")
            }
        }
    }

    /// To a request without a key in its query and without a body, of a service that has no value and no files of Swagger UI.
    private static func expected(_ endpoint: Endpoint) -> Int {
        switch endpoint.operation {
        case .cache(.get(.query)), .cache(.delete(.query)), .cache(.set), .cache(.batch), .cache(.invalidate), .cache(.expire): 422
        case .value(.get(.query)), .value(.put(.query)), .value(.delete(.query)): 422
        case .cache(.get(.path)), .cache(.delete(.path)), .value(.get(.path)): 404
        // The first of the methods that stores a value, which is deleted after it.
        case .value(.put(.path)): 201
        case .value(.delete(.path)): 204
        case .page(.documentationFile(let name)): name == "documentation.js" ? 200 : 404
        case .page(.dashboardKey): 422
        case .cache(.statistics), .page: 200
        }
    }
}
