import Foundation
import TestSupport
import Testing

/// The ways into Redis as operators set them up: Memorystore's profile, passwords in files, Google's access tokens.
@Suite(
    .enabled(if: RedisServerProcess.isAvailable && TestCertificates.isAvailable, "needs redis-server and openssl"), .timeLimit(.minutes(5)))
struct RedisAccessTests {
    private let connected = "\"state\":\"connected\""

    // MARK: Memorystore

    /// What Memorystore for Redis refuses, as an ACL.
    private static let blocked = [
        "acl", "bgrewriteaof", "bgsave", "client", "cluster", "command", "config", "debug", "lastsave", "migrate", "object", "replicaof", "save",
        "shutdown",
    ]

    /// TLS by IP address with a certificate of a private authority for another name, the user `default` with a password, and no `CLIENT`.
    @Test func memorystore() async throws {
        let certificates = try TestCertificates(names: "DNS:elsewhere.example")
        defer { certificates.remove() }
        let password = "3f1c0d52-0b6e-4c8f-9d58-5c3c5b6f1a77"
        let user = "user default on >\(password) ~* &* +@all " + Self.blocked.map { "-\($0)" }.joined(separator: " ")
        let redis = try RedisServerProcess(encrypted: certificates, configuration: [user])
        defer { redis.stop() }
        let environment = [
            "REDIS_URL": "rediss://127.0.0.1:\(redis.port)", "REDIS_TLS_VERIFY": "chain", "REDIS_RECONNECT_CAP_MS": "50",
            "REDIS_TLS_CA": try String(contentsOfFile: certificates.authority, encoding: .utf8), "REDIS_PASSWORD": password,
            "OUTAGE_WRITES": "invalidate",
        ]
        try await AgentProcess.with(environment) { agent in
            let health = try await agent.waitForHealth(self.connected)
            #expect(health.text.contains(#""refused_commands":["CLIENT SETNAME"]"#))
            #expect(health.text.contains(#""status":"healthy""#))
            for key in ["k", "deleted", "p:1", "p:2"] {
                #expect(try await agent.set(key, 1)["cache-status"] == "redis-caching-agent; fwd=method; stored; detail=redis")
            }
            #expect(try await agent.ask(Request.get("/cache/k")).text == #"{"success":true,"key":"k","value":1}"#)
            #expect(try await agent.ask(Request.delete("/cache/deleted")).status == 200)
            let invalidation = try await agent.ask(Request.post("/cache/invalidate", #"{"pattern":"p:*"}"#))
            #expect(invalidation.text.contains("2"))
            #expect(try await agent.ask(Request.get("/cache/stats")).status == 200)

            redis.pause()
            try await eventually("an outage") { try await agent.ask(Request.get("/cache/k"))["x-cache-degraded"] == "1" }
            #expect(try await agent.ask(Request.delete("/cache/k"))["x-cache-degraded"] == "1")
            redis.resume()
            try await agent.waitForHealth(self.connected)
            #expect(try await agent.ask(Request.get("/cache/k")).status == 404)
            #expect(!agent.logged.contains(password))
        }
    }

    // MARK: Passwords

    @Test func aWrongPasswordIsAClearLineAndNotThePassword() async throws {
        let redis = try RedisServerProcess(configuration: ["requirepass right"])
        defer { redis.stop() }
        let environment = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_PASSWORD": "wrong-and-secret"]
        try await AgentProcess.with(environment) { agent in
            let health = try await agent.waitForHealth(#""reason":"authentication_failed""#)
            #expect(health.status == 200)
            #expect(health.text.contains(#""status":"degraded""#))
            #expect(try await agent.set("k", 1).status == 200)
            try await agent.waitForLog("the server refused the user or the password") { try await agent.waitForHealth("authentication_failed") }
            #expect(!agent.logged.contains("wrong-and-secret"))
            #expect(!health.text.contains("wrong-and-secret"))
        }
    }

    /// Rotation: the file gets the new password, and the next attempt uses it. No restart.
    @Test func aPasswordFileIsReadAnewAtEveryAttempt() async throws {
        let redis = try RedisServerProcess(configuration: ["requirepass first"])
        defer { redis.stop() }
        let file = redis.directory.appendingPathComponent("password")
        try TestFile.write("not yet\n", to: file.path)
        let environment = ["REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_PASSWORD_FILE": file.path, "REDIS_RECONNECT_CAP_MS": "50"]
        try await AgentProcess.with(environment) { agent in
            try await agent.waitForHealth(#""reason":"authentication_failed""#)
            try TestFile.write("first\n", to: file.path)
            try await agent.waitForHealth(self.connected)
            try FileManager.default.removeItem(at: file)
            redis.stop()
            try redis.start()
            try await agent.waitForHealth(#""reason":"authentication_failed""#)
            try TestFile.write("first", to: file.path)
            try await agent.waitForHealth(self.connected)
        }
    }

    // MARK: Google's access tokens

    @Test func anAccessTokenIsThePassword() async throws {
        let metadata = try await StubMetadataServer.start(#"{"access_token":"ya29.token-one","expires_in":3599,"token_type":"Bearer"}"#)
        let redis = try RedisServerProcess(configuration: ["requirepass ya29.token-one"])
        defer { redis.stop() }
        let environment = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_AUTH": "google-iam", "GCE_METADATA_HOST": metadata.authority,
            "REDIS_RECONNECT_CAP_MS": "50",
        ]
        try await AgentProcess.with(environment) { agent in
            try await agent.waitForHealth(self.connected)
            redis.stop()
            try redis.start()
            try await agent.waitForHealth(self.connected)
            #expect(metadata.requests == 1, "one token serves every connection until it is about to expire")
            #expect(!agent.logged.contains("ya29"))
        }
        try await metadata.stop()
    }

    @Test func withoutATokenMemoryServes() async throws {
        let metadata = try await StubMetadataServer.start("{}")
        metadata.answer(status: 503, "")
        let redis = try RedisServerProcess(configuration: ["requirepass ya29.token-two"])
        defer { redis.stop() }
        let environment = [
            "REDIS_URL": "redis://127.0.0.1:\(redis.port)", "REDIS_AUTH": "google-iam", "GCE_METADATA_HOST": metadata.authority,
            "REDIS_RECONNECT_CAP_MS": "50",
        ]
        try await AgentProcess.with(environment) { agent in
            try await agent.waitForHealth(#""reason":"authentication_failed""#)
            #expect(try await agent.set("k", 1).status == 200)
            metadata.answer(#"{"access_token":"ya29.token-two","expires_in":3599,"token_type":"Bearer"}"#)
            try await agent.waitForHealth(self.connected)
        }
        try await metadata.stop()
    }
}
