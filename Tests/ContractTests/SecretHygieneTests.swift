import Access
import Foundation
import TestSupport
import Testing

/// Secrets are planted wherever the program takes one, everything is done that can go wrong, and all that it says is searched for them.
@Suite(.enabled(if: RedisServerProcess.isAvailable), .timeLimit(.minutes(5))) struct SecretHygieneTests {
    private static let password = "planted-redis-password"
    private static let urlPassword = "planted-url-password"
    private static let value = "planted-value"
    private static let token = "planted-client-token"

    private func search(_ text: String, _ secrets: [String], _ place: String) {
        for secret in secrets { #expect(!text.contains(secret), "\(secret) in \(place)") }
    }

    @Test(arguments: ["right", "wrong"]) func nothingSecretIsSaid(_ password: String) async throws {
        let redis = try RedisServerProcess(configuration: ["requirepass \(password == "right" ? Self.password : "another")"])
        defer { redis.stop() }
        let key = NewAccessKey()
        let secrets = [Self.password, key.secret, key.digest.hex, Self.token]
        let agent = try await AgentProcess.start([
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_PASSWORD": Self.password, "API_KEYS": "k sha256:\(key.digest.hex) all",
            "LOG_LEVEL": "trace", "ACCESS_LOG": "all",
        ])
        let fields = ["X-API-Key: \(key.secret)"]
        for request in [
            Request.post("/cache", #"{"key":"k","value":"\#(Self.value)"}"#, fields), Request.get("/cache/k", fields),
            Request.get("/cache/k?token=\(Self.token)", fields),
            Request.get("/cache/k", ["X-API-Key: \(Self.token)"]), Request.get("/cache/k", ["Authorization: Bearer \(Self.token)"]),
            Request.get("/cache/k", ["Cookie: session=\(Self.token)"]), Request.post("/cache", #"{"key":"k","value":"\#(Self.value)""#, fields),
            Request.post("/cache/invalidate", #"{"pattern":"*"}"#, fields), Request.get("/cache/stats", fields), Request.get("/metrics", fields),
            Request.get("/dashboard/figures", fields), Request.get("/health"), Request.get("/openapi.json"),
            Request.get("/nothing?token=\(Self.token)"),
            "GET /cache/k HTTP/1.1\r\nHost: h\r\nX-API-Key: \(Self.token)\r\nBroken\r\n\r\n",
        ] {
            let answer = try await agent.ask(request)
            self.search(answer.text, secrets, "an answer")
        }
        redis.stop()
        _ = try await agent.ask(Request.get("/cache/k", fields))
        let arguments = try agent.commandLine()
        self.search(arguments, secrets, "the command line")
        #expect(await agent.terminate() == 0)
        self.search(await agent.allLogged(), secrets + [Self.value], "the log")
    }

    /// What is wrong with a setting is said without what it holds.
    @Test(arguments: [
        ["REDIS_URL": "redis://user:\(urlPassword)@host:port/0"], ["REDIS_URL": "http://user:\(urlPassword)@host"],
        ["REDIS_URL": "redis://user:\(urlPassword)@host/db"], ["API_KEYS": "name \(urlPassword) read"],
        ["REDIS_TLS_CA": urlPassword, "REDIS_URL": "rediss://h"],
    ])
    func faultsOfSettings(_ settings: [String: String]) async throws {
        let ended = try await AgentProcess.runToEnd(environment: ["PORT": "0", "HOST": "127.0.0.1"].merging(settings) { $1 })
        #expect(ended.status == 78)
        #expect(!ended.errors.isEmpty)
        self.search(ended.errors + ended.output, [Self.urlPassword], "the faults")
    }
}
