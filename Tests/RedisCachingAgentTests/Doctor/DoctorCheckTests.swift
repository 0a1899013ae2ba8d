import FactoryPlatform
import NIOCore
import RESP
import RedisClient
import Testing

@testable import RedisCachingAgent

/// What the checks make of facts.
@Suite struct DoctorCheckTests {
    // MARK: The network

    @Test func theWayToRedis() {
        var facts = NetworkFacts(endpoint: .tcp(host: "cache", port: 6379))
        facts.address = "10.0.0.3"
        facts.resolutionTime = .microseconds(1234)
        facts.connectionTime = .microseconds(405)
        #expect(
            NetworkCheck.findings(facts) == [
                .ok(.address, "cache:6379 is 10.0.0.3 (resolved in 1.23 ms)"), .ok(.connection, "accepted in 0.41 ms"),
            ])
        for failure in [NetworkFacts.Failure.refused, .noAnswer, .noSuchSocket, .other] {
            facts.failure = failure
            #expect(NetworkCheck.findings(facts).map(\.outcome) == [.ok, .fault])
        }
        for failure in [NetworkFacts.Failure.unknownName, .slowResolver] {
            facts.failure = failure
            #expect(NetworkCheck.findings(facts).map(\.outcome) == [.fault, .skipped])
        }
    }

    @Test(arguments: [(0, "0.00 ms"), (4, "0.00 ms"), (5, "0.01 ms"), (99_999, "100.00 ms"), (1_050, "1.05 ms"), (1_500_000, "1500.00 ms")])
    func milliseconds(_ microseconds: Int, _ text: String) {
        #expect(Duration.microseconds(microseconds).milliseconds == text)
    }

    // MARK: Encryption

    private static let now: Int64 = 1_800_000_000
    private static let day: Int64 = 86_400

    private func certificate(issuer: String = "CN=Ours", names: [String] = ["redis.example"], from: Int64 = -1, to: Int64 = 100)
        -> PresentedCertificate
    {
        PresentedCertificate(
            subject: "CN=server", issuer: issuer, names: names, notValidBefore: Self.now + from * Self.day, notValidAfter: Self.now + to * Self.day)
    }

    private func encryption(
        _ presented: EncryptionFacts.Presented, isAccepted: Bool = false, authorities: [String]? = ["CN=Ours"], name: String? = "redis.example"
    ) -> Finding {
        EncryptionCheck.finding(
            EncryptionFacts(presented: presented, authorities: authorities, expectedName: name, now: Self.now), isAccepted: isAccepted)
    }

    @Test func acceptedCertificates() {
        #expect(
            self.encryption(.certificates([self.certificate()]), isAccepted: true)
                == .ok(.encryption, "CN=server issued by CN=Ours, expires in 100 days"))
        // The chain lasts as long as its first certificate to expire.
        #expect(self.encryption(.certificates([self.certificate(), self.certificate(to: 13)]), isAccepted: true).outcome == .warning)
        #expect(self.encryption(.certificates([self.certificate(to: 14)]), isAccepted: true).outcome == .ok)
    }

    @Test func rejectedCertificates() {
        func result(_ certificate: PresentedCertificate, authorities: [String]? = ["CN=Ours"], name: String? = "redis.example") -> String {
            let finding = self.encryption(.certificates([certificate]), authorities: authorities, name: name)
            #expect(finding.outcome == .fault && finding.advice != nil)
            return finding.result
        }
        #expect(result(self.certificate(to: -1)) == "the certificate CN=server has expired")
        #expect(result(self.certificate(from: 1)) == "the certificate CN=server is not valid yet")
        #expect(result(self.certificate(issuer: "CN=Theirs")) == "CN=server is issued by CN=Theirs, but trusted is CN=Ours")
        #expect(
            result(self.certificate(names: ["a.example", "10.0.0.1"])) == "the certificate is for a.example, 10.0.0.1, not for redis.example")
        #expect(result(self.certificate(names: [])) == "the certificate is for no host, not for redis.example")
        #expect(result(self.certificate(names: []), name: nil) == "CN=server, issued by CN=Ours, is not accepted with CN=Ours")
        #expect(
            result(self.certificate(), authorities: nil) == "CN=server, issued by CN=Ours, is not accepted with the system's authorities")
    }

    @Test func serversWithoutTLS() {
        #expect(self.encryption(.noTLS).outcome == .fault)
        #expect(self.encryption(.certificates([])).outcome == .fault)
        #expect(self.encryption(.noAnswer).outcome == .fault)
    }

    @Test(arguments: [
        ("redis.example", true), ("REDIS.example", true), ("a.b.example", true), ("a.a.b.example", false), ("b.example", false), ("10.0.0.1", true),
        ("10.0.0.2", false), ("example", false),
    ])
    func names(_ host: String, _ isFor: Bool) {
        #expect(self.certificate(names: ["redis.example", "*.b.example", "10.0.0.1"]).isFor(host) == isFor)
    }

    // MARK: The session

    private func session(_ failure: RedisFailure?, _ change: (inout RedisConfiguration) -> Void = { _ in }) -> [Finding] {
        var configuration = RedisConfiguration(endpoint: .tcp(host: "h", port: 1))
        change(&configuration)
        return SessionCheck.findings(failure, configuration, user: nil)
    }

    @Test func sessions() {
        #expect(self.session(nil)[1] == .ok(.credentials, "no password is configured, and Redis requires none"))
        #expect(self.session(nil) { $0.password = "p" }[1] == .ok(.credentials, "accepted, as user default"))
        #expect(self.session(nil) { ($0.user, $0.password) = ("cache", "p") }[1].result == "accepted, as user cache")
        for prefix in ["WRONGPASS", "ERR", "NOAUTH", ""] {
            #expect(self.session(RedisFailure(.authenticationFailed, "why", prefix: prefix)).map(\.outcome) == [.ok, .fault])
        }
        let failures: [RedisFailure] = [
            .connectionClosed, .deadlineExceeded, .unexpectedReply, RedisFailure(.connectFailed), RedisFailure(.protocolViolation),
            RedisFailure(.serverError, "LOADING secret", prefix: "LOADING"), RedisFailure(.serverError, "ERR secret", prefix: "ERR"),
        ]
        for failure in failures {
            let findings = self.session(failure)
            #expect(findings.map(\.outcome) == [.fault, .skipped])
            #expect(!findings[0].result.contains("secret"))
        }
        #expect(self.session(.connectionClosed)[0].advice?.contains("REDIS_TLS=on") == true)
        #expect(self.session(.connectionClosed) { $0.tls = RedisTLS() }[0].advice?.contains("REDIS_TLS=on") == false)
        #expect(self.session(RedisFailure(.databaseRefused)) { $0.database = 3 }[0].result == "Redis refuses database 3")
        let unchecked = self.session(RedisFailure(.iamUnavailable))
        #expect(unchecked.map(\.outcome) == [.ok, .fault] && unchecked[1].result == "Redis cannot check the access token at the moment")
        // Encryption has its own finding.
        #expect(self.session(RedisFailure(.tlsFailed)).map(\.outcome) == [.skipped, .skipped])
    }

    // MARK: Permissions

    private func permissions(_ outcomes: [String: CommandTrial.Outcome], user: String? = "cache", tracksReads: Bool = true) -> [Finding] {
        let trials = CommandTrial.all(key: "k", tracksReads: tracksReads)
        return PermissionCheck.findings(trials.map { ($0, outcomes[$0.name] ?? .granted) }, user: user, key: "k")
    }

    @Test func everythingIsGranted() {
        #expect(
            self.permissions([:]) == [
                .ok(.commands, "user cache may use SET, GET, PTTL, EVAL, UNLINK, SCAN, PING, INFO, DBSIZE"),
                .ok(.keys, "k was written, read and deleted"),
                .ok(.clientCommands, "CLIENT SETNAME, CLIENT LIST, CLIENT KILL, CLIENT TRACKING, CLIENT CACHING"),
            ])
    }

    @Test func someCommandsAreRefused() {
        let needed = self.permissions(["SCAN": .refused, "INFO": .refused])[0]
        #expect(
            needed
                == .fault(
                    .commands, "user cache may not use SCAN, INFO (no statistics, and a failover is not recognised)",
                    "Grant it: ACL SETUSER cache +scan +info."))
        #expect(self.permissions(["INFO": .refused], user: nil)[0].outcome == .warning)
        let clients = self.permissions(["CLIENT KILL": .refused])
        #expect(clients.map(\.outcome) == [.ok, .ok, .warning])
        #expect(clients[2].advice?.contains("+client|kill") == true)
        #expect(self.permissions(["SET": .refused]).map(\.outcome) == [.fault, .skipped, .ok])
    }

    @Test func trackingIsRefused() {
        let refused: [String: CommandTrial.Outcome] = ["CLIENT TRACKING": .refused, "CLIENT CACHING": .refused]
        #expect(
            self.permissions(refused)[2]
                == .warning(
                    .clientCommands,
                    "CLIENT TRACKING and CLIENT CACHING are refused: no copies of reads are kept: each read asks Redis, and an outage begins with an empty memory",
                    "Grant it: ACL SETUSER cache +client|tracking +client|caching. Memorystore may refuse all of them; the service works without."))
        #expect(self.permissions(["CLIENT CACHING": .refused])[2].result.hasPrefix("CLIENT CACHING is refused: no copies of reads are kept"))
        // Whoever has switched the near cache off does not need it.
        #expect(self.permissions(refused, tracksReads: false)[2] == .ok(.clientCommands, "CLIENT SETNAME, CLIENT LIST, CLIENT KILL"))
    }

    /// A finding is cut short at its bound: the longest has to fit.
    @Test func everyClientCommandIsRefused() {
        let names = ["CLIENT SETNAME", "CLIENT LIST", "CLIENT KILL", "CLIENT TRACKING", "CLIENT CACHING"]
        let finding = self.permissions(Dictionary(uniqueKeysWithValues: names.map { ($0, .refused) }))[2]
        #expect(finding.result.contains("; CLIENT LIST and CLIENT KILL are refused: after an outage"))
        #expect(finding.result.hasSuffix("an outage begins with an empty memory"))
    }

    @Test func theKeyIsRefused() {
        let findings = self.permissions(["SET": .keyRefused, "GET": .keyRefused, "PTTL": .keyRefused, "UNLINK": .keyRefused])
        #expect(findings.map(\.outcome) == [.ok, .warning, .ok])
    }

    @Test func redisDoesNotWrite() {
        #expect(self.permissions(["SET": .full]).map(\.outcome) == [.ok, .fault, .ok])
        #expect(self.permissions(["SET": .readOnly])[0].result == "Redis is a replica and refuses writes")
        #expect(self.permissions(["SET": .elsewhere])[0].outcome == .fault)
        #expect(self.permissions(["DBSIZE": .noAnswer])[0].result == "Redis stopped answering")
    }

    @Test func outcomesOfCommands() {
        #expect(CommandTrial.Outcome(.success(.null)) == .granted)
        let failures: [(String, String, CommandTrial.Outcome)] = [
            ("NOPERM", "NOPERM this user has no permissions to access the 'k' key", .keyRefused),
            ("NOPERM", "NOPERM this user has no permissions to run the 'get' command", .refused), ("ERR", "ERR unknown command", .refused),
            ("OOM", "OOM", .full), ("READONLY", "READONLY", .readOnly), ("MOVED", "MOVED 1 h:1", .elsewhere),
        ]
        for (prefix, message, outcome) in failures {
            #expect(CommandTrial.Outcome(.failure(RedisFailure(.serverError, message, prefix: prefix))) == outcome)
        }
        #expect(CommandTrial.Outcome(.failure(.deadlineExceeded)) == .noAnswer)
    }

    // MARK: The server

    private func server(_ lines: String) -> [Finding] { ServerCheck.findings(RedisInformation(info: lines.utf8, keyCount: nil)) }

    @Test(arguments: [
        ("7.2.4", "master", Finding.Outcome.ok), ("6.2.0", "master", .ok), ("6.0.16", "master", .warning), ("5.0.14", "master", .warning),
        ("7.0.15", "slave", .fault), ("unstable", "master", .ok),
    ])
    func versions(_ version: String, _ role: String, _ outcome: Finding.Outcome) {
        #expect(self.server("redis_version:\(version)\r\nrole:\(role)\r\n")[0].outcome == outcome)
    }

    @Test(arguments: [
        ("maxmemory:0\r\nmaxmemory_policy:noeviction", Finding.Outcome.warning),
        ("used_memory:10485760\r\nmaxmemory:104857600\r\nmaxmemory_policy:allkeys-lfu", .ok),
        ("used_memory:10485760\r\nmaxmemory:104857600\r\nmaxmemory_policy:noeviction", .warning),
        ("used_memory:94371840\r\nmaxmemory:104857600\r\nmaxmemory_policy:noeviction", .fault),
        ("maxmemory:104857600\r\nmaxmemory_policy:volatile-lru", .warning), ("maxmemory:104857600", .ok), ("role:master", .skipped),
    ])
    func memory(_ lines: String, _ outcome: Finding.Outcome) {
        #expect(self.server(lines)[1].outcome == outcome)
    }

    @Test func theServerSaysNothing() {
        #expect(ServerCheck.findings(nil).map(\.outcome) == [.skipped, .skipped])
        #expect(
            self.server("used_memory:10485760\r\nmaxmemory:104857600\r\nmaxmemory_policy:allkeys-lfu")[1].result
                == "10 MiB of 100 MiB used, maxmemory-policy allkeys-lfu")
    }

    // MARK: The cluster

    private func cluster(_ nodes: [ClusterFacts.Node], doubtSeconds: Int = 20, _ change: (inout ClusterFacts) -> Void = { _ in }) -> [Finding] {
        var facts = ClusterFacts(nodes: nodes, isWhole: true, nodeTimeoutMilliseconds: 15_000, requiresFullCoverage: false)
        change(&facts)
        return ClusterCheck.findings(.success(facts), maximumShards: 3, doubtSeconds: doubtSeconds)
    }

    private func owner(_ name: String, _ slots: Int, replicas: Int = 1, version: String? = "7.2.4", _ failure: RedisFailure? = nil)
        -> ClusterFacts.Node
    {
        ClusterFacts.Node(name: name, slots: slots, isReplica: false, replicas: replicas, failure: failure, version: version)
    }

    private func replica(_ name: String, version: String? = "7.2.4", _ failure: RedisFailure? = nil) -> ClusterFacts.Node {
        ClusterFacts.Node(name: name, slots: 0, isReplica: true, replicas: 0, failure: failure, version: version)
    }

    @Test func aClusterAsItShouldBe() {
        #expect(
            self.cluster([self.owner("a:1", 8192), self.replica("b:1"), self.owner("c:1", 8192), self.replica("d:1")]) == [
                .ok(.coverage, "16384 of 16384 slots, cluster_state:ok"), .ok(.nodes, "4 of 4 answer"), .ok(.replicas, "each of 2 shards has one"),
                .ok(.versions, "Redis 7.2.4"), .ok(.balance, "2 shards of 8192 slots"),
                .ok(.failover, "cluster-node-timeout 15000 ms, OUTAGE_DOUBT_SECONDS 20"),
            ])
    }

    @Test func slotsThatAreNotServed() {
        #expect(self.cluster([self.owner("a:1", 16_000)])[0].result == "384 of 16384 slots have no owner")
        #expect(self.cluster([self.owner("a:1", 16_384)]) { $0.isWhole = false }[0].outcome == .fault)
        let full = self.cluster([self.owner("a:1", 16_384)]) { $0.requiresFullCoverage = true }[0]
        #expect(full.outcome == .warning && full.advice?.contains("one shard is away") == true)
        #expect(self.cluster([self.owner("a:1", 16_384)]) { $0.requiresFullCoverage = nil }[0].outcome == .ok)
    }

    @Test func nodesThatDoNotAnswer() {
        let away = RedisFailure(.connectFailed)
        let fault = self.cluster([self.owner("a:1", 8192), self.owner("b:1", 8192, away)])[1]
        #expect(fault.outcome == .fault && fault.result == "1 of 2 cannot be used from here: b:1 (connect_failed)")
        #expect(self.cluster([self.owner("a:1", 16_384), self.replica("b:1", away)])[1].outcome == .warning)
        let many = self.cluster((0..<7).map { self.owner("a:\($0)", 1, away) })[1]
        #expect(many.result.hasSuffix("a:4 (connect_failed) and 2 more"))
    }

    @Test func shardsWithoutReplicas() {
        let finding = self.cluster([self.owner("a:1", 8192), self.owner("b:1", 8192, replicas: 0)])[2]
        #expect(finding.outcome == .warning && finding.result == "1 of 2 shards without one: b:1")
    }

    @Test func versionsOfNodes() {
        func finding(_ versions: String?...) -> Finding { self.cluster(versions.map { self.owner("a:1", 1, version: $0) })[3] }
        #expect(finding("7.0.9", "7.0.15", nil).result == "Redis 7.0.9, 7.0.15" && finding("7.0.9", "7.0.15").outcome == .warning)
        #expect(finding("5.0.1", "5.0.1").outcome == .warning && finding("6.0.0").outcome == .ok && finding(nil).outcome == .skipped)
    }

    @Test func balances() {
        #expect(self.cluster([self.owner("a:1", 5461), self.owner("b:1", 5462), self.owner("c:1", 5461)])[4].outcome == .ok)
        let uneven = self.cluster([self.owner("a:1", 100), self.owner("b:1", 16_284)])[4]
        #expect(uneven.outcome == .warning && uneven.result == "2 shards of 100 to 16284 slots")
        let many = self.cluster((0..<4).map { self.owner("a:\($0)", 4096) })[4]
        #expect(many.outcome == .fault && many.result.contains("REDIS_CLUSTER_MAX_SHARDS (3)"))
        #expect(self.cluster([])[4].outcome == .skipped)
    }

    @Test func failovers() {
        #expect(self.cluster([], doubtSeconds: 15)[5].outcome == .warning)
        #expect(self.cluster([]) { $0.nodeTimeoutMilliseconds = nil }[5].outcome == .skipped)
    }

    @Test func clustersThatSayNothing() {
        for (prefix, text) in [("NOPERM", "may not ask"), ("ERR", "no node of a cluster"), ("LOADING", "(loading)")] {
            let findings = ClusterCheck.findings(.failure(RedisFailure(.serverError, "", prefix: prefix)), maximumShards: 1, doubtSeconds: 1)
            #expect(findings.map(\.check) == Finding.Check.ofCluster && findings.map(\.outcome) == [.fault] + Array(repeating: .skipped, count: 5))
            #expect(findings[0].result.contains(text))
        }
    }

    @Test func theCommandsOfACluster() {
        let names = CommandTrial.all(key: "k", tracksReads: false, isCluster: true).map(\.name)
        #expect(names.contains("ASKING") && !CommandTrial.all(key: "k", tracksReads: true).map(\.name).contains("ASKING"))
        // What follows has no key, which ASKING would change the meaning of.
        #expect(names[names.firstIndex(of: "ASKING").map { $0 + 1 } ?? 0] == "CLUSTER SLOTS")
        let trials = CommandTrial.all(key: "k", tracksReads: true, isCluster: true)
        let refused = PermissionCheck.findings(trials.map { ($0, $0.name.hasPrefix("CLIENT") ? .granted : .refused) }, user: "cache", key: "k")[0]
        #expect(refused.outcome == .fault && refused.advice?.hasSuffix("+dbsize.") == true)
    }

    // MARK: Latency

    @Test func percentilesAreNearestRanks() {
        let times = (1...100).map { Duration.milliseconds($0) }
        #expect(LatencyCheck.percentile(50, of: times) == .milliseconds(50))
        #expect(LatencyCheck.percentile(99, of: times) == .milliseconds(99))
        #expect(LatencyCheck.percentile(99, of: [.milliseconds(7)]) == .milliseconds(7))
        #expect(LatencyCheck.percentile(50, of: []) == nil)
    }

    @Test func latencies() {
        func outcome(_ milliseconds: [Int], lost: Int = 0) -> Finding.Outcome {
            LatencyCheck.finding(milliseconds.map { .milliseconds($0) }, lost: lost, deadlineMilliseconds: 30).outcome
        }
        #expect(outcome(Array(repeating: 1, count: 100)) == .ok)
        #expect(outcome(Array(repeating: 1, count: 99) + [14]) == .ok)
        #expect(outcome(Array(repeating: 1, count: 99) + [30]) == .warning)
        #expect(outcome(Array(repeating: 15, count: 100)) == .warning)
        #expect(outcome(Array(repeating: 30, count: 51) + Array(repeating: 1, count: 49)) == .fault)
        #expect(outcome([1, 1], lost: 3) == .fault)
        #expect(outcome([]) == .fault)
        #expect(
            LatencyCheck.finding([.milliseconds(1), .milliseconds(2)], lost: 0, deadlineMilliseconds: 30)
                == .ok(.latency, "2 PINGs: p50 1.00 ms, p99 2.00 ms, max 2.00 ms; REDIS_DEADLINE_MS is 30 ms"))
    }

    // MARK: The platform

    @Test func platforms() {
        #expect(PlatformCheck.finding(.listed(AgentPage(agents: []))) == .ok(.platform, "answers"))
        for event in [RegistrationEvent.gone, .refused("secret"), .failed("no answer"), .failed("status 403")] {
            let finding = PlatformCheck.finding(event)
            #expect(finding.outcome == .fault && !finding.result.contains("secret"))
        }
        #expect(PlatformCheck.finding(.failed("status 401")).advice?.contains("id-token") == true)
    }
}
