import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// Services that show ID tokens signed by Google, here by an issuer of our own, with the fast lane and without.
@Suite(.timeLimit(.minutes(5))) struct IdentityTokenContractTests {
    private static func settings(_ keyServer: StubHTTPServer, _ more: [String: String] = [:]) -> [String: String] {
        [
            "API_KEYS": "backend google:backend@project.iam.gserviceaccount.com read,write agent:",
            "GOOGLE_TOKEN_AUDIENCE": "https://cache.example.com", "GOOGLE_TOKEN_KEYS_URL": "http://\(keyServer.authority)/certs",
        ].merging(more) { $1 }
    }

    @Test(arguments: ["on", "off"]) func tokensOpenTheDoor(_ lane: String) async throws {
        let issuer = try TokenIssuer("one")
        let keySet = try TokenIssuer.keySet([issuer])
        let keyServer = try await StubHTTPServer.start { _ in .status(200, keySet, ["Cache-Control": "public, max-age=20000"]) }
        try await AgentProcess.with(Self.settings(keyServer, ["FAST_LANE": lane])) { agent in
            let token = try await issuer.token()
            var other = TokenIssuer.Claims()
            other.email = "stranger@project.iam.gserviceaccount.com"
            let stranger = try await issuer.token(other)
            try await WireClient.connect(port: agent.port) { connection in
                func ask(_ request: String) async throws -> WireResponse {
                    try await connection.send(request)
                    return try await connection.response()
                }
                let fields = ["Authorization: Bearer \(token)"]
                let another = try await issuer.token()
                #expect(try await ask(Request.get("/cache/agent:1", ["X-API-Key: \(another)"])).status == 404)
                for _ in 0..<3 {
                    #expect(try await ask(Request.post("/cache", #"{"key":"agent:1","value":1}"#, fields)).status == 200)
                    #expect(try await ask(Request.get("/cache/agent:1", fields)).status == 200)
                    #expect(try await ask(Request.get("/cache/agent:1", ["Authorization: Bearer \(stranger)"])).status == 401)
                    #expect(try await ask(Request.get("/cache/agent:1", ["Authorization: Bearer \(token)x"])).status == 401)
                    #expect(try await ask(Request.get("/cache/other:1", fields)).status == 403)
                    #expect(try await ask(Request.get("/cache/stats", fields)).status == 403)
                }
            }
            #expect(keyServer.requests.count == 1, "the keys were asked for once")
            let logged = agent.logged
            #expect(!logged.contains(token.suffix(40)))
        }
        try await keyServer.stop()
    }

    @Test func keysRotateUnderTheService() async throws {
        let (one, two) = (try TokenIssuer("one"), try TokenIssuer("two"))
        let both = try TokenIssuer.keySet([one, two])
        let keyServer = try await StubHTTPServer.start { _ in .status(200, both) }
        try await AgentProcess.with(Self.settings(keyServer)) { agent in
            for issuer in [one, two] {
                let token = try await issuer.token()
                let answer = try await agent.ask(Request.get("/cache/agent:1", ["Authorization: Bearer \(token)"]))
                #expect(answer.status == 404)
            }
        }
        try await keyServer.stop()
    }

    /// The issuer does not answer: that is no judgement on the token, and nobody who shows none is told so.
    @Test func theIssuerIsAway() async throws {
        let isThere = NIOLockedValueBox(false)
        let issuer = try TokenIssuer("one")
        let keySet = try TokenIssuer.keySet([issuer])
        let keyServer = try await StubHTTPServer.start { _ in isThere.withLockedValue { $0 } ? .status(200, keySet) : .status(503, "") }
        try await AgentProcess.with(Self.settings(keyServer)) { agent in
            let token = try await issuer.token()
            let request = Request.get("/cache/agent:1", ["Authorization: Bearer \(token)"])
            let answer = try await agent.ask(request)
            #expect(answer.status == 503 && answer["retry-after"] == "1")
            #expect(answer.text == #"{"detail":"These credentials cannot be checked now"}"#)
            #expect(try await agent.ask(Request.get("/cache/agent:1")).status == 401)
            #expect(try await agent.ask(Request.get("/cache/agent:1", ["Authorization: Bearer x"])).status == 401)
            isThere.withLockedValue { $0 = true }
            try await eventually("a token that is accepted") { try await agent.ask(request).status == 404 }
        }
        try await keyServer.stop()
    }
}
