import TestSupport
import Testing

@testable import CacheAPI

/// What browsers receive, with the fast lane and without.
@Suite(.timeLimit(.minutes(5))) struct CORSContractTests {
    private static let settings = ["CORS_ORIGINS": "https://app.example.com,https://*.example.org"]

    @Test(arguments: ["on", "off"]) func pagesOfTheListMayRead(_ lane: String) async throws {
        try await AgentProcess.with(Self.settings.merging(["FAST_LANE": lane]) { $1 }) { agent in
            for target in ["/cache/k", "/cache?key=k", "/nothing", "/health"] {
                for origin in ["https://app.example.com", "https://a.example.org"] {
                    let answer = try await agent.ask(Request.get(target, ["Origin: \(origin)"]))
                    #expect(answer["access-control-allow-origin"] == origin)
                    #expect(answer["access-control-allow-credentials"] == nil, "the service knows no cookies")
                    #expect(answer["access-control-expose-headers"]?.contains("Cache-Status") == true)
                    #expect(answer["vary"] == "Origin")
                }
                for fields in [
                    ["Origin: https://evil.example.com"], ["Origin: null"], [], ["Origin: https://app.example.com", "Origin: https://a.example.org"],
                ] {
                    let answer = try await agent.ask(Request.get(target, fields))
                    #expect(answer["access-control-allow-origin"] == nil && answer["access-control-allow-credentials"] == nil)
                    #expect(answer["vary"] == "Origin", "so that no cache gives one page the answer for another")
                }
            }
        }
    }

    private func preflight(_ target: String, _ origin: String) -> String {
        Request.head("OPTIONS", target, ["Origin: \(origin)", "Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: x-api-key"])
            + "\r\n"
    }

    @Test func preflights() async throws {
        try await AgentProcess.with(Self.settings) { agent in
            let answer = try await agent.ask(self.preflight("/cache/k", "https://app.example.com"))
            #expect(answer.status == 200)
            #expect(answer["access-control-allow-origin"] == "https://app.example.com")
            #expect(answer["access-control-allow-methods"] == "DELETE, GET, HEAD, PATCH")
            #expect(answer["access-control-allow-headers"] == CORSPolicy.acceptedFields)
            #expect(answer["access-control-max-age"] == "600")
            #expect(answer["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
            let refused = try await agent.ask(self.preflight("/cache/k", "https://evil.example.com"))
            #expect(refused.status == 405 && refused["access-control-allow-origin"] == nil)
            let unknown = try await agent.ask(self.preflight("/nothing", "https://app.example.com"))
            #expect(unknown.status == 404)
        }
    }

    /// A preflight carries no credentials (Fetch, 3.2.2), and must be answered all the same.
    @Test func preflightsNeedNoKey() async throws {
        let digest = String(repeating: "0", count: 64)
        try await AgentProcess.with(Self.settings.merging(["API_KEYS": "k sha256:\(digest) all"]) { $1 }) { agent in
            let preflight = try await agent.ask(self.preflight("/cache/k", "https://app.example.com"))
            #expect(preflight.status == 200)
            let refused = try await agent.ask(Request.get("/cache/k", ["Origin: https://app.example.com"]))
            #expect(refused.status == 401 && refused["access-control-allow-origin"] == "https://app.example.com", "the page may read why")
        }
    }

    @Test func noneByDefault() async throws {
        try await AgentProcess.with { agent in
            let answer = try await agent.ask(Request.get("/cache/k", ["Origin: https://app.example.com"]))
            #expect(answer["access-control-allow-origin"] == nil && answer["vary"] == nil)
            let preflight = try await agent.ask(self.preflight("/cache/k", "https://app.example.com"))
            #expect(preflight.status == 405)
        }
    }

    @Test func whatIsNoOriginIsRefusedAtTheStart() async throws {
        let ended = try await AgentProcess.runToEnd(environment: ["PORT": "0", "CORS_ORIGINS": "*"])
        #expect(ended.status == 78 && ended.errors.contains("CORS_ORIGINS: not origins"))
    }
}
