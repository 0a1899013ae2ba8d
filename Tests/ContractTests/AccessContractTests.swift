import Access
import Foundation
import TestSupport
import Testing

/// Who gets in, with the fast lane and without, on both stores.
@Suite(.timeLimit(.minutes(5))) struct AccessContractTests {
    private static let reader = NewAccessKey()
    private static let writer = NewAccessKey()
    private static let agents = NewAccessKey()
    private static let administrator = NewAccessKey()

    private static func line(_ name: String, _ key: NewAccessKey, _ scopes: String, _ prefix: String = "") -> String {
        "\(name) sha256:\(key.digest.hex) \(scopes) \(prefix)"
    }

    private static let lines = [
        line("reader", reader, "read"), line("writer", writer, "read,write"), line("agents", agents, "read,write,invalidate", "agent:"),
        line("administrator", administrator, "all"),
    ]

    private static let settings = ["API_KEYS": lines.joined(separator: ";")]

    private static func key(_ key: NewAccessKey) -> [String] { ["X-API-Key: \(key.secret)"] }
    private static func bearer(_ key: NewAccessKey) -> [String] { ["Authorization: Bearer \(key.secret)"] }

    private static let ways = [(Store.memory, "on"), (.memory, "off"), (.redis, "on")].filter { $0.0 == .memory || RedisServerProcess.isAvailable }

    @Test(arguments: ways) func everyOperationAsksForItsScope(_ store: Store, _ lane: String) async throws {
        try await store.withAgent(Self.settings.merging(["FAST_LANE": lane]) { $1 }) { agent in
            let set = #"{"key":"agent:1","value":1}"#
            let operations: [(request: ([String]) -> String, scope: String)] = [
                ({ Request.get("/cache/agent:1", $0) }, "read"), ({ Request.get("/cache?key=agent:1", $0) }, "read"),
                ({ Request.post("/cache", set, $0) }, "write"), ({ Request.delete("/cache/agent:1", $0) }, "write"),
                ({ Request.delete("/cache?key=agent:1", $0) }, "write"),
                ({ Request.post("/cache/invalidate", #"{"pattern":"agent:*"}"#, $0) }, "invalidate"), ({ Request.get("/cache/stats", $0) }, "admin"),
                ({ Request.get("/metrics", $0) }, "admin"), ({ Request.get("/dashboard/figures", $0) }, "admin"),
                ({ Request.get("/dashboard/figures?have=abc:1", $0) }, "admin"),
                ({ Request.get("/dashboard/key?key=agent:1", $0) }, "admin"),
            ]
            let callers: [(key: NewAccessKey, scopes: Set<String>)] = [
                (Self.reader, ["read"]), (Self.writer, ["read", "write"]), (Self.agents, ["read", "write", "invalidate"]),
                (Self.administrator, ["read", "write", "invalidate", "admin"]),
            ]
            for operation in operations {
                let nobody = try await agent.ask(operation.request([]))
                #expect(nobody.status == 401 && nobody.text == #"{"detail":"Not authenticated"}"#)
                #expect(nobody["www-authenticate"] == #"Bearer realm="redis-caching-agent""#)
                for wrong in [["X-API-Key: wrong"], ["X-API-Key: "], ["Authorization: Bearer wrong"], ["Authorization: Basic d3Jvbmc="]] {
                    let stranger = try await agent.ask(operation.request(wrong))
                    #expect(stranger.status == 401 && stranger.text == #"{"detail":"Invalid credentials"}"#, "\(wrong)")
                    #expect(stranger["www-authenticate"] == #"Bearer realm="redis-caching-agent", error="invalid_token""#)
                }
                for caller in callers {
                    for fields in [Self.key(caller.key), Self.bearer(caller.key), ["authorization: bearer \(caller.key.secret)"]] {
                        let answer = try await agent.ask(operation.request(fields))
                        if caller.scopes.contains(operation.scope) {
                            #expect([200, 404].contains(answer.status), "\(operation.request([])) \(answer.text)")
                        } else {
                            #expect(answer.status == 403)
                            #expect(answer.text == #"{"detail":"These credentials lack the scope \#(operation.scope)"}"#)
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: ways) func aPrefixConfines(_ store: Store, _ lane: String) async throws {
        try await store.withAgent(Self.settings.merging(["FAST_LANE": lane]) { $1 }) { agent in
            for key in ["agent:1", "agent:2", "other"] {
                #expect(
                    try await agent.ask(Request.post("/cache", #"{"key":"\#(key)","value":1}"#, Self.key(Self.administrator))).status == 200)
            }
            let fields = Self.key(Self.agents)
            #expect(try await agent.ask(Request.get("/cache/agent:1", fields)).status == 200)
            for request in [
                Request.get("/cache/other", fields), Request.get("/cache?key=other", fields), Request.delete("/cache/other", fields),
                Request.post("/cache", #"{"key":"other","value":2}"#, fields), Request.get("/cache/%61gent", fields),
            ] {
                let answer = try await agent.ask(request)
                #expect(answer.status == 403)
                #expect(answer.text == #"{"detail":"The key is outside of what these credentials may use"}"#)
            }
            for pattern in ["a*", "other*", "?gent:*", "[a]gent:*"] {
                let answer = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"\#(pattern)"}"#, fields))
                #expect(answer.status == 403)
                #expect(answer.text == #"{"detail":"The pattern reaches beyond what these credentials may use"}"#)
            }
            let everything = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"*"}"#, fields))
            #expect(everything.text.contains(#""keys_deleted":2"#), "of what is its own")
            #expect(try await agent.ask(Request.get("/cache/other", Self.key(Self.administrator))).status == 200)
        }
    }

    /// Nothing of a request is looked at for somebody who may not send it: not even whether it makes sense.
    @Test func strangersLearnNothing() async throws {
        try await AgentProcess.with(Self.settings) { agent in
            for request in [
                Request.post("/cache", "{"), Request.post("/cache", #"{"key":1}"#), Request.get("/cache?nothing"), Request.get("/cache/%ff"),
                Request.post("/cache/invalidate", "[]"), Request.get("/cache/" + String(repeating: "k", count: 2000)),
            ] {
                let answer = try await agent.ask(request)
                #expect(answer.status == 401, "\(request)")
            }
        }
    }

    @Test func twoCredentialsAreNone() async throws {
        try await AgentProcess.with(Self.settings) { agent in
            let good = Self.administrator
            for fields in [
                Self.key(good) + Self.bearer(good), Self.key(good) + Self.key(good), Self.bearer(good) + Self.bearer(good),
                Self.key(good) + ["X-API-Key: wrong"], ["X-API-Key: \(good.secret),\(good.secret)"],
            ] {
                for target in ["/cache/k", "/cache?key=k"] {
                    let answer = try await agent.ask(Request.get(target, fields))
                    #expect(answer.status == 401, "\(fields)")
                }
            }
        }
    }

    @Test func whatIsForEverybody() async throws {
        try await AgentProcess.with(Self.settings) { agent in
            for path in ["/", "/health", "/health/live", "/health/ready", "/health/startup", "/openapi.json", "/docs", "/redoc", "/dashboard"] {
                let answer = try await agent.ask(Request.get(path))
                #expect(answer.status == 200, "\(path)")
            }
            let nothing = try await agent.ask(Request.get("/nothing"))
            #expect(nothing.status == 404)
            let health = try await agent.ask(Request.get("/health"))
            #expect(!health.text.contains("warnings"))
        }
        try await AgentProcess.with(Self.settings.merging(["METRICS_ACCESS": "open"]) { $1 }) { agent in
            let answer = try await agent.ask(Request.get("/metrics"))
            #expect(answer.status == 200)
        }
    }

    /// On one connection: the lane remembers who asked last, and must not remember too long.
    @Test func everyRequestOfAConnectionIsJudged() async throws {
        try await AgentProcess.with(Self.settings) { agent in
            try await WireClient.connect(port: agent.port) { connection in
                let requests: [([String], Int)] = [
                    (Self.key(Self.reader), 404), ([], 401), (Self.key(Self.writer), 404), (["X-API-Key: wrong"], 401), (Self.key(Self.reader), 404),
                    (["X-API-Key: \(Self.reader.secret)x"], 401), (["X-API-Key: \(Self.reader.secret.dropLast())"], 401),
                    (Self.bearer(Self.reader), 404),
                ]
                for (fields, status) in requests + requests {
                    try await connection.send(Request.get("/cache/k", fields))
                    let answer = try await connection.response()
                    #expect(answer.status == status, "\(fields)")
                }
                try await connection.send(requests.map { Request.get("/cache/k", $0.0) }.joined())
                for (fields, status) in requests {
                    let answer = try await connection.response()
                    #expect(answer.status == status, "\(fields), pipelined")
                }
            }
        }
    }

    // MARK: The file

    private func file(_ lines: [String]) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("keys-\(UUID().uuidString)").path
        try TestFile.write(lines.joined(separator: "\n"), to: path)
        return path
    }

    @Test func keysAreReplacedWithoutARestart() async throws {
        let path = try self.file([Self.lines[0]])
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await AgentProcess.with(["API_KEYS_FILE": path, "API_KEYS_REFRESH_SECONDS": "1"]) { agent in
            try await WireClient.connect(port: agent.port) { connection in
                func status(_ fields: [String]) async throws -> Int {
                    try await connection.send(Request.get("/cache/k", fields))
                    return try await connection.response().status
                }
                func expectTheKeyOfNow() async throws {
                    let answered = try await status(Self.key(Self.writer))
                    #expect(answered == 404)
                }
                #expect(try await status(Self.key(Self.reader)) == 404)
                #expect(try await status(Self.key(Self.writer)) == 401)
                try TestFile.write(Self.lines[1], to: path)
                try await eventually("the new key") { try await status(Self.key(Self.writer)) == 404 }
                #expect(try await status(Self.key(Self.reader)) == 401, "withdrawn, on an open connection")
                // What is wrong changes nothing.
                try TestFile.write("nonsense", to: path)
                try await agent.waitForLog("the file of API keys is wrong") { try await expectTheKeyOfNow() }
                // Nor does a key on two lines, whose grant would depend on their order. It is logged once, though the file is read again and again.
                try TestFile.write(Self.lines[1] + "\ntwin " + Self.lines[1].split(separator: " ")[1] + " all", to: path)
                try await agent.waitForLog("line 2: the key is already used in line 1") { try await expectTheKeyOfNow() }
                try FileManager.default.removeItem(atPath: path)
                try await agent.waitForLog("the file of API keys cannot be read") { try await expectTheKeyOfNow() }
                #expect(agent.logged.components(separatedBy: "already used in line 1").count == 2)
            }
        }
    }

    @Test func withoutKeysTheServiceIsOpenAndSaysSo() async throws {
        try await AgentProcess.with { agent in
            #expect(agent.logged.contains("no API keys are configured"))
            let health = try await agent.ask(Request.get("/health"))
            #expect(health.text.contains(#""warnings":["no API keys are configured"#))
            let answer = try await agent.ask(Request.get("/cache/k", ["X-API-Key: anything"]))
            #expect(answer.status == 404)
        }
    }

    /// A collector beside the service has no key, and everybody else does not come to the loopback.
    @Test func metricsAloneOnThePortOfACollector() async throws {
        try await AgentProcess.with(Self.settings.merging(["METRICS_PORT": "0"]) { $1 }) { agent in
            try await agent.waitForLog("metrics alone on port")
            let port = try #require(agent.logged.firstMatch(of: #/metrics alone on port (\d+)/#).flatMap { Int($0.1) })
            let metrics = try await WireClient.exchange(port: port, Request.get("/metrics"))
            #expect(metrics.status == 200 && metrics.text.contains("# TYPE cacheagent_cache_operations_total counter"))
            // Another address of this machine: a port that is open to all would answer here, too.
            await #expect(throws: (any Error).self) { try await WireClient.connect(host: "127.0.0.2", port: port) { _ in } }
            for path in ["/cache/k", "/health", "/dashboard/figures", "/cache/stats"] {
                #expect(try await WireClient.exchange(port: port, Request.get(path)).status == 404)
            }
            #expect(try await agent.ask(Request.get("/metrics")).status == 401)
        }
    }

    @Test func whatIsWrongAtTheStart() async throws {
        let cases: [([String: String], String)] = [
            (["REQUIRE_AUTH": "true"], "REQUIRE_AUTH: there are no API keys"),
            (["API_KEYS_FILE": "/nonexistent"], "API_KEYS_FILE: the file cannot be read"),
            (["API_KEYS": "name secret read"], "API_KEYS: line 1: neither 'sha256:' with 64 hexadecimal digits"),
            (["API_KEYS": "name google:a@b read"], "API_KEYS: line 1: an account, but there is no GOOGLE_TOKEN_AUDIENCE"),
            (["GOOGLE_TOKEN_KEYS_URL": "file:///etc/passwd", "API_KEYS": "a google:a@b all"], "GOOGLE_TOKEN_KEYS_URL: no https:// address"),
            (
                ["API_KEYS": "\(Self.lines[0]);twin \(Self.lines[0].split(separator: " ")[1]) all"],
                "API_KEYS: line 2: the key is already used in line 1"
            ),
            (["API_KEYS": "# nothing"], "API_KEYS: there is no key in it"),
        ]
        for (settings, text) in cases {
            let ended = try await AgentProcess.runToEnd(environment: ["PORT": "0", "HOST": "127.0.0.1"].merging(settings) { $1 })
            #expect(ended.status == 78)
            #expect(ended.errors.contains(text), "\(ended.errors)")
            #expect(!ended.errors.contains("secret read"))
        }
    }

    @Test func aKeyIsMade() async throws {
        let made = try await AgentProcess.runToEnd(["api-key", "backend", "--scopes", "read,write", "--prefix", "agent:"])
        #expect(made.status == 0)
        let match = try #require(made.output.wholeMatch(of: #/secret: (rca_[\w-]{43})\nline:   (backend sha256:[0-9a-f]{64} read,write agent:)\n/#))
        try await AgentProcess.with(["API_KEYS": String(match.2)]) { agent in
            let answer = try await agent.ask(Request.get("/cache/agent:1", ["X-API-Key: \(match.1)"]))
            #expect(answer.status == 404)
        }
        let refused = try await AgentProcess.runToEnd(["api-key", "back end", "--scopes", "everything"])
        #expect(refused.status == 64)
    }
}
