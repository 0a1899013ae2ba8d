import Foundation
import NIOConcurrencyHelpers

/// The platform's register of agents with its two ways to treat a second registration of a name, and with faults to order.
package final class FakePlatform: Sendable {
    package enum Store: CaseIterable, Sendable {
        /// A second registration resets the row, and says 200.
        case database
        /// A second registration resets the row, and then fails.
        case memory
    }

    package enum Request: String, CaseIterable, Sendable {
        case list = "GET"
        case create = "POST"
        case update = "PUT"
    }

    package enum Fault: CaseIterable, Sendable {
        case failsBefore, failsAfter, unavailable, silence, torn, disconnects, writesAndDisconnects, nonsense, otherJSON, redirects
        /// For lists: what a failing database looks like.
        case empty
    }

    fileprivate struct State {
        var rows: [String: [String: String]] = [:]
        var capabilities: [String: [String]] = [:]
        var faults: [(Request, Fault)] = []
        var creations = 0
        var resets = 0
        var updates = 0
    }

    fileprivate let state = NIOLockedValueBox(State())
    private let server: NIOLockedValueBox<StubHTTPServer?> = NIOLockedValueBox(nil)

    package static func start(_ store: Store) async throws -> FakePlatform {
        let platform = FakePlatform()
        let server = try await StubHTTPServer.start { request in platform.state.withLockedValue { $0.answer(request, store) } }
        platform.server.withLockedValue { $0 = server }
        return platform
    }

    package var url: String { "http://\(self.server.withLockedValue { $0?.authority ?? "" })" }
    package var requests: [StubHTTPServer.Request] { self.server.withLockedValue { $0?.requests ?? [] } }
    package func stop() async throws { try await self.server.withLockedValue { $0 }?.stop() }

    /// The next request of this kind goes wrong.
    package func order(_ request: Request, _ fault: Fault) { self.state.withLockedValue { $0.faults.append((request, fault)) } }

    package func rows(named name: String) -> [[String: String]] { self.state.withLockedValue { $0.rows.values.filter { $0["name"] == name } } }
    /// Registrations of a name that was there.
    package var resets: Int { self.state.withLockedValue { $0.resets } }
    package var creations: Int { self.state.withLockedValue { $0.creations } }
    package var updates: Int { self.state.withLockedValue { $0.updates } }
    package var faultsLeft: Int { self.state.withLockedValue { $0.faults.count } }

    package func seed(_ row: [String: String], capabilities: [String] = []) {
        self.state.withLockedValue {
            $0.rows[row["id"] ?? ""] = row
            $0.capabilities[row["id"] ?? ""] = capabilities
        }
    }

    package func change(_ name: String, _ field: String, _ value: String?) {
        self.state.withLockedValue { state in
            for (identifier, row) in state.rows where row["name"] == name { state.rows[identifier]?[field] = value }
        }
    }

    package func removeAll() { self.state.withLockedValue { $0.rows = [:] } }
}

extension FakePlatform.State {
    mutating func answer(_ request: StubHTTPServer.Request, _ store: FakePlatform.Store) -> StubHTTPServer.Answer {
        let kind = FakePlatform.Request(rawValue: request.method)
        if let index = self.faults.firstIndex(where: { $0.0 == kind }) {
            switch self.faults.remove(at: index).1 {
            case .failsBefore: return .lastStatus(500, "Internal Server Error")
            case .failsAfter:
                _ = self.proper(request, store)
                return .lastStatus(500, "Internal Server Error")
            case .unavailable: return .status(503, "<html>")
            case .silence: return .silence
            case .torn: return .torn
            case .disconnects: return .disconnect
            case .writesAndDisconnects:
                _ = self.proper(request, store)
                return .disconnect
            case .nonsense: return .status(200, "<html>all is well</html>")
            case .otherJSON: return .status(200, #"{"id":"../../x","name":7,"agents":{}}"#)
            case .redirects: return .status(307, "", ["Location": "/elsewhere"])
            case .empty: return .status(200, #"{"agents":[],"total":0,"page":1,"size":1000,"has_next":false}"#)
            }
        }
        return self.proper(request, store)
    }

    private mutating func proper(_ request: StubHTTPServer.Request, _ store: FakePlatform.Store) -> StubHTTPServer.Answer {
        let parts = request.target.split(separator: "?", maxSplits: 1)
        let path = parts.first.map(String.init) ?? ""
        switch (request.method, path) {
        case ("GET", "/api/v1/agents"): return self.list(parts.count > 1 ? String(parts[1]) : "")
        case ("POST", "/api/v1/agents"): return self.register(request.body, store)
        case ("PUT", _): return self.update(String(path.dropFirst("/api/v1/agents/".count)), request.body)
        default: return .status(405, #"{"detail":"Method Not Allowed"}"#)
        }
    }

    private func json(_ identifier: String) -> [String: Any] {
        var row: [String: Any] = self.rows[identifier] ?? [:]
        row["capabilities"] = self.capabilities[identifier] ?? []
        row["configuration"] = [String: String]()
        row["last_health_check"] = NSNull()
        row["created_at"] = "2026-11-23T00:00:00"
        if row["prd_id"] == nil { row["prd_id"] = NSNull() }
        return row
    }

    private static func text(_ object: Any) -> String {
        (try? JSONSerialization.data(withJSONObject: object)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private func list(_ query: String) -> StubHTTPServer.Answer {
        var numbers: [String: Int] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=")
            if parts.count == 2 { numbers[String(parts[0])] = Int(parts[1]) }
        }
        let limit = numbers["limit"] ?? 100
        let page = self.rows.keys.sorted().dropFirst(numbers["skip"] ?? 0).prefix(limit).map { self.json($0) }
        return .status(
            200, Self.text(["agents": page, "total": page.count, "page": 1, "size": limit, "has_next": page.count == limit] as [String: Any]))
    }

    private mutating func register(_ body: String, _ store: FakePlatform.Store) -> StubHTTPServer.Answer {
        guard let members = (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any],
            ["name", "description", "purpose", "version", "repository_url", "deployment_url", "health_check_url"]
                .allSatisfy({ members[$0] is String }),
            let name = members["name"] as? String, (1...100).contains(name.count)
        else { return .status(422, #"{"detail":[{"type":"missing","loc":["body","name"],"msg":"Field required"}]}"#) }
        let known = self.rows.first { $0.value["name"] == name }?.key
        let identifier = known ?? UUID().uuidString.lowercased()
        var row = members.compactMapValues { $0 as? String }
        row["id"] = identifier
        row["status"] = "draft"
        row["health_status"] = "unknown"
        self.rows[identifier] = row
        self.capabilities[identifier] = members["capabilities"] as? [String]
        if known == nil { self.creations += 1 } else { self.resets += 1 }
        if known != nil, store == .memory { return .lastStatus(500, "Internal Server Error") }
        return .status(200, Self.text(self.json(identifier)))
    }

    private mutating func update(_ identifier: String, _ body: String) -> StubHTTPServer.Answer {
        guard self.rows[identifier] != nil else { return .status(404, #"{"detail":"Agent not found"}"#) }
        guard let members = (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] else { return .status(422, "{}") }
        for (name, value) in members {
            if let text = value as? String { self.rows[identifier]?[name] = text }
        }
        if let capabilities = members["capabilities"] as? [String] { self.capabilities[identifier] = capabilities }
        self.updates += 1
        return .status(200, Self.text(self.json(identifier)))
    }
}
