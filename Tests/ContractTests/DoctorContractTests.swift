import Foundation
import TestSupport
import Testing

/// `doctor` as a pipeline runs it, against real servers that are as they should be and as they should not.
@Suite(
    .enabled(if: RedisServerProcess.isAvailable && TestCertificates.isAvailable, "needs redis-server and openssl"), .timeLimit(.minutes(5)))
struct DoctorContractTests {
    private struct Report: Decodable {
        struct Finding: Decodable {
            let check: String
            let outcome: String
            let result: String
            let advice: String?
        }

        let status: String
        let faults: Int
        let warnings: Int
        let findings: [Finding]

        func outcome(_ check: String) -> String? { self.findings.first { $0.check == check }?.outcome }
        func result(_ check: String) -> String { self.findings.first { $0.check == check }?.result ?? "" }
        var checksWithFaults: [String] { self.findings.filter { $0.outcome == "fault" }.map(\.check) }
    }

    private static let secret = "hunter2-and-more"

    /// A machine under load answers late; what is judged here is not the time.
    private static let patience = ["REDIS_DEADLINE_MS": "5000", "REDIS_DEAD_TIMEOUT_MS": "5000", "REDIS_CONTROL_DEADLINE_MS": "5000"]

    /// Every fault says what to do, and nothing shows the secret.
    private func report(_ environment: [String: String], _ arguments: [String] = [], status: Int32) async throws -> Report {
        let ended = try await AgentProcess.runToEnd(
            ["doctor", "--json"] + arguments, environment: Self.patience.merging(environment) { $1 })
        #expect(ended.status == status, "\(ended.output) \(ended.errors)")
        #expect(!ended.output.contains(Self.secret) && !ended.errors.contains(Self.secret))
        let report = try JSONDecoder().decode(Report.self, from: Data(ended.output.utf8))
        for finding in report.findings where ["fault", "warning"].contains(finding.outcome) {
            #expect(finding.advice?.isEmpty == false, "\(finding)")
        }
        return report
    }

    private func address(_ redis: RedisServerProcess) -> [String: String] { ["REDIS_HOST": "127.0.0.1", "REDIS_PORT": "\(redis.port)"] }

    private func commandLine(_ redis: RedisServerProcess, _ words: String...) async throws -> String {
        let tool = try #require(CommandLineTool("redis-cli"))
        return try await tool.run(["-s", redis.socketPath] + words).output
    }

    // MARK: As it should be

    @Test func everythingIsRight() async throws {
        let redis = try RedisServerProcess(configuration: ["maxmemory 100mb", "maxmemory-policy allkeys-lfu"])
        defer { redis.stop() }
        let keys = "smoke sha256:\(String(repeating: "0a", count: 32)) all"
        let environment = self.address(redis).merging(["API_KEYS": keys]) { $1 }
        let report = try await self.report(environment, status: 0)
        #expect(report.status == "ok" && report.faults == 0 && report.warnings == 0)
        #expect(report.outcome("latency") == "ok" && report.result("latency").hasPrefix("100 PINGs: p50 "))
        #expect(report.result("memory").hasSuffix("of 100 MiB used, maxmemory-policy allkeys-lfu"))
        #expect(try await self.commandLine(redis, "dbsize") == "0\n", "the key is deleted")

        let table = try await AgentProcess.runToEnd(["doctor"], environment: Self.patience.merging(environment) { $1 })
        #expect(table.status == 0 && table.output.contains("ok       settings") && table.output.hasSuffix("No problems found.\n"))
    }

    @Test func withoutRedis() async throws {
        let report = try await self.report([:], status: 0)
        #expect(report.outcome("address") == "skipped" && report.outcome("access") == "warning")
    }

    @Test func encryptedWithAPassword() async throws {
        let certificates = try TestCertificates(names: "IP:127.0.0.1")
        defer { certificates.remove() }
        let redis = try RedisServerProcess(encrypted: certificates, configuration: ["user cache on >\(Self.secret) ~* &* +@all"])
        defer { redis.stop() }
        let environment = self.address(redis).merging([
            "REDIS_TLS": "on", "REDIS_TLS_CA_FILE": certificates.authority, "REDIS_USER": "cache", "REDIS_PASSWORD": Self.secret,
        ]) { $1 }
        let report = try await self.report(environment, status: 0)
        #expect(report.result("encryption").hasPrefix("CN=server issued by CN=Test authority, expires in "))
        #expect(report.outcome("encryption") == "warning")
        #expect(report.result("credentials") == "accepted, as user cache")
    }

    // MARK: The settings

    @Test func settingsThatAreWrong() async throws {
        let report = try await self.report(["PORT": "x", "REDIS_DB": "-1"], status: 78)
        #expect(report.findings.map(\.check) == ["settings", "settings"])
        #expect(report.findings.map(\.result) == ["PORT: 'x' is not a whole number", "REDIS_DB: -1 is not in the range 0 to 65535"])
    }

    @Test func aVariableThatIsAlmostASetting() async throws {
        let report = try await self.report(["REDIS_DEADLNE_MS": "5"], status: 0)
        #expect(report.result("settings") == "REDIS_DEADLNE_MS in the environment is not a setting; did you mean REDIS_DEADLINE_MS?")
    }

    // MARK: The way to Redis

    @Test func nothingListens() async throws {
        let redis = try RedisServerProcess()
        redis.stop()
        let report = try await self.report(self.address(redis), status: 1)
        #expect(report.checksWithFaults == ["connection"])
        #expect(report.outcome("latency") == "skipped")
    }

    @Test func aNameThatIsNone() async throws {
        let report = try await self.report(["REDIS_HOST": "nowhere.invalid"], status: 1)
        #expect(report.checksWithFaults == ["address"])
    }

    @Test func aServerThatHangs() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        redis.pause()
        let report = try await self.report(self.address(redis).merging(["REDIS_CONNECT_TIMEOUT_MS": "300"]) { $1 }, status: 1)
        #expect(report.outcome("connection") == "ok")
        #expect(report.checksWithFaults == ["session"])
        #expect(report.result("session").contains("does not answer within 300 ms"))
        redis.resume()
    }

    // MARK: Encryption

    @Test func aCertificateOfAnotherAuthority() async throws {
        let certificates = try TestCertificates(names: "IP:127.0.0.1")
        let other = try TestCertificates(names: "IP:127.0.0.1")
        defer {
            certificates.remove()
            other.remove()
        }
        let redis = try RedisServerProcess(encrypted: certificates)
        defer { redis.stop() }
        let encrypted = self.address(redis).merging(["REDIS_TLS": "on"]) { $1 }
        let wrong = try await self.report(encrypted.merging(["REDIS_TLS_CA_FILE": other.authority]) { $1 }, status: 1)
        #expect(wrong.checksWithFaults == ["encryption"])
        #expect(wrong.result("encryption") == "CN=server, issued by CN=Test authority, is not accepted with CN=Test authority")
        let system = try await self.report(encrypted, status: 1)
        #expect(system.result("encryption").hasSuffix("is not accepted with the system's authorities"))
        // The other way round: no encryption although the server wants it.
        let plain = try await self.report(self.address(redis), status: 1)
        #expect(plain.checksWithFaults == ["session"])
    }

    @Test func aCertificateForAnotherName() async throws {
        let certificates = try TestCertificates(names: "DNS:redis.example")
        defer { certificates.remove() }
        let redis = try RedisServerProcess(encrypted: certificates)
        defer { redis.stop() }
        let encrypted = self.address(redis).merging(["REDIS_TLS": "on", "REDIS_TLS_CA_FILE": certificates.authority]) { $1 }
        let report = try await self.report(encrypted, status: 1)
        #expect(report.result("encryption") == "the certificate is for redis.example, not for 127.0.0.1")
        #expect(try await self.report(encrypted.merging(["REDIS_TLS_VERIFY": "chain"]) { $1 }, status: 0).faults == 0)
    }

    @Test func aServerWithoutEncryption() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        // Redis waits for the end of the line that it takes the handshake for.
        let environment = self.address(redis).merging(["REDIS_TLS": "on", "REDIS_CONNECT_TIMEOUT_MS": "300"]) { $1 }
        let report = try await self.report(environment, status: 1)
        #expect(report.outcome("encryption") == "fault" && report.result("encryption") == "no answer to the TLS handshake")
    }

    // MARK: Credentials and permissions

    @Test func aWrongPassword() async throws {
        let redis = try RedisServerProcess(configuration: ["requirepass right"])
        defer { redis.stop() }
        let wrong = try await self.report(self.address(redis).merging(["REDIS_PASSWORD": Self.secret]) { $1 }, status: 1)
        #expect(wrong.checksWithFaults == ["credentials"])
        #expect(wrong.result("credentials") == "Redis refused the user or the password")
        let none = try await self.report(self.address(redis), status: 1)
        #expect(none.result("credentials") == "Redis requires a password, and none is configured")
    }

    @Test func aUserWhoMayNotDoEverything() async throws {
        let redis = try RedisServerProcess(configuration: ["user cache on >\(Self.secret) ~agent:* &* +@all -scan -client -acl -info"])
        defer { redis.stop() }
        let environment = self.address(redis).merging(["REDIS_USER": "cache", "REDIS_PASSWORD": Self.secret]) { $1 }
        let report = try await self.report(environment, status: 1)
        #expect(report.checksWithFaults == ["commands"])
        #expect(report.result("commands").hasPrefix("the user may not use SCAN, INFO"))
        #expect(report.outcome("keys") == "warning" && report.outcome("client commands") == "warning" && report.outcome("memory") == "skipped")
        let prefixed = try await self.report(environment, ["--prefix", "agent:"], status: 1)
        #expect(prefixed.outcome("keys") == "ok" && prefixed.result("keys").hasPrefix("agent:"))
    }

    /// The smallest ACL of docs/redis-access.md.
    @Test func aUserWhoMayDoWhatIsNeeded() async throws {
        let rules =
            "~* +get +set +pttl +exists +getrange +pexpire +persist +eval +unlink +scan +ping +info +dbsize +client|setname +client|list +client|kill"
            + " +client|tracking +client|caching"
        let redis = try RedisServerProcess(configuration: [
            "maxmemory 100mb", "maxmemory-policy allkeys-lfu", "user cache on >\(Self.secret) \(rules)",
        ])
        defer { redis.stop() }
        let environment = self.address(redis).merging(["REDIS_USER": "cache", "REDIS_PASSWORD": Self.secret]) { $1 }
        let report = try await self.report(environment, status: 0)
        #expect(["commands", "keys", "client commands", "memory"].allSatisfy { report.outcome($0) == "ok" })
        #expect(report.result("client commands") == "CLIENT SETNAME, CLIENT LIST, CLIENT KILL, CLIENT TRACKING, CLIENT CACHING")
    }

    /// Also if it may track no reads, which then costs copies of them and nothing else.
    @Test func aUserWhoMayNotTrackReads() async throws {
        let redis = try RedisServerProcess(configuration: ["user cache on >\(Self.secret) ~* +@all -client|tracking"])
        defer { redis.stop() }
        let environment = self.address(redis).merging(["REDIS_USER": "cache", "REDIS_PASSWORD": Self.secret]) { $1 }
        let report = try await self.report(environment, status: 0)
        #expect(report.outcome("client commands") == "warning")
        #expect(report.result("client commands").contains("no copies of reads are kept"))
        #expect(try await self.report(environment.merging(["NEAR_CACHE": "off"]) { $1 }, status: 0).outcome("client commands") == "ok")
    }

    // MARK: A cluster

    private static let clusterChecks = ["coverage", "nodes", "replicas", "node versions", "balance", "failover"]

    /// A cluster of one node.
    private func withCluster(configuration: [String] = [], _ body: (RedisServerProcess) async throws -> Void) async throws {
        // The usual port of the bus is 10,000 above, which there may not be.
        let bus = try PortReservation()
        let redis = try RedisServerProcess(
            configuration: ["cluster-enabled yes", "cluster-port \(bus.port)", "maxmemory 100mb", "maxmemory-policy allkeys-lfu"] + configuration)
        defer { redis.stop() }
        try await redis.run("CLUSTER ADDSLOTSRANGE 0 16383")
        while try await !redis.run("CLUSTER INFO").contains("cluster_state:ok") { try Task.checkCancellation() }
        try await body(redis)
    }

    @Test func aCluster() async throws {
        try await self.withCluster(configuration: ["cluster-require-full-coverage no"]) { redis in
            let report = try await self.report(self.address(redis), status: 0)
            #expect(Self.clusterChecks.compactMap { report.outcome($0) } == ["ok", "ok", "warning", "ok", "ok", "ok"])
            #expect(report.result("coverage") == "16384 of 16384 slots, cluster_state:ok")
            #expect(report.result("nodes") == "1 of 1 answer" && report.result("balance") == "1 shard of 16384 slots")
            #expect(report.result("failover") == "cluster-node-timeout 15000 ms, OUTAGE_DOUBT_SECONDS 20")
            #expect(report.outcome("keys") == "ok" && report.result("commands").contains("CLUSTER SLOTS"))
            #expect(try await self.commandLine(redis, "dbsize") == "0\n", "the key is deleted")
            let single = try await self.report(self.address(redis).merging(["REDIS_CLUSTER": "off"]) { $1 }, status: 0)
            #expect(Self.clusterChecks.allSatisfy { single.outcome($0) == nil })
        }
    }

    /// The second address leads to a node; a slot without an owner is found out, and the key is one of another.
    @Test func aClusterThatIsNotWhole() async throws {
        try await self.withCluster { redis in
            let gone = try RedisServerProcess()
            gone.stop()
            try await redis.run("CLUSTER DELSLOTSRANGE 0 8000")
            let environment = ["REDIS_URL": "redis://127.0.0.1:\(gone.port),127.0.0.1:\(redis.port)"]
            let report = try await self.report(environment, status: 1)
            #expect(report.outcome("connection") == "warning")
            #expect(report.checksWithFaults.contains("coverage") && report.result("coverage") == "8001 of 16384 slots have no owner")
        }
    }

    @Test func noCluster() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        let report = try await self.report(self.address(redis), status: 0)
        #expect(Self.clusterChecks.allSatisfy { report.outcome($0) == nil })
        let required = try await self.report(self.address(redis).merging(["REDIS_CLUSTER": "on"]) { $1 }, status: 1)
        #expect(required.result("coverage") == "Redis is no node of a cluster")
    }

    /// The smallest ACL of docs/redis-access.md, with what a cluster needs besides.
    @Test func aUserOfACluster() async throws {
        let rules =
            "~* +get +set +pttl +exists +getrange +pexpire +persist +eval +unlink +scan +ping +info +dbsize +client|setname +client|list +client|kill"
            + " +client|tracking +client|caching +asking +cluster|slots +cluster|info +cluster|nodes +cluster|countkeysinslot +cluster|getkeysinslot"
        try await self.withCluster(configuration: ["user cache on >\(Self.secret) \(rules)"]) { redis in
            let environment = self.address(redis).merging(["REDIS_USER": "cache", "REDIS_PASSWORD": Self.secret]) { $1 }
            let report = try await self.report(environment, status: 0)
            #expect(["coverage", "nodes", "commands", "keys", "client commands"].allSatisfy { report.outcome($0) == "ok" })
            #expect(report.outcome("failover") == "skipped")
        }
    }

    @Test func aDatabaseOfACluster() async throws {
        try await self.withCluster { redis in
            let report = try await self.report(self.address(redis).merging(["REDIS_DB": "1"]) { $1 }, status: 1)
            #expect(report.checksWithFaults == ["session"] && report.result("session") == "Redis refuses database 1")
        }
    }

    // MARK: Memory

    @Test func aServerThatDoesNotEvict() async throws {
        let redis = try RedisServerProcess(configuration: ["maxmemory 100mb", "maxmemory-policy noeviction"])
        defer { redis.stop() }
        let report = try await self.report(self.address(redis), status: 0)
        #expect(report.outcome("memory") == "warning" && report.result("memory").hasSuffix("maxmemory-policy noeviction"))
        #expect(try await self.commandLine(redis, "config", "set", "maxmemory", "1") == "OK\n")
        let full = try await self.report(self.address(redis), status: 1)
        #expect(full.checksWithFaults == ["keys", "memory"])
    }

    // MARK: The platform

    @Test func thePlatform() async throws {
        let platform = try await FakePlatform.start(.memory)
        let environment = ["FACTORY_PLATFORM_URL": platform.url, "SELF_URL": "https://self.example"]
        #expect(try await self.report(environment, status: 0).outcome("platform") == "ok")
        #expect(platform.requests.map(\.method) == ["GET"], "nothing is registered")
        platform.order(.list, .unavailable)
        #expect(try await self.report(environment, status: 1).result("platform") == "status 503")
        try await platform.stop()
        #expect(try await self.report(environment, status: 1).result("platform") == "no answer")
    }
}
