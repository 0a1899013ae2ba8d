import Access
import Cache
import FactoryPlatform
import GoogleCloud
import NIOCore
import RedisClient

/// Checks a configuration from here to Redis and to the platform before it is deployed.
///
/// Probes find facts, checks judge them: a probe does I/O and has no opinion, a check is a function of facts. If a step fails, those that need it are
/// skipped. The only change to Redis is one key of the doctor's own, which is deleted.
struct Doctor: Sendable {
    let settings: AgentSettings
    /// The prefix of the key that is written.
    let keyPrefix: String

    /// A report of wrong settings.
    static func report(_ faults: SettingFaults) -> DoctorReport {
        DoctorReport(findings: faults.faults.map { .fault(.settings, $0, "See docs/settings.md, or `redis-caching-agent settings`.") })
    }

    func report() async -> DoctorReport {
        var findings = self.settingFindings
        if let configuration = self.settings.redis {
            findings += await self.redis(configuration)
        } else {
            findings.append(.skipped(.address, "no Redis is configured: the embedded store serves"))
        }
        findings.append(await self.platform())
        return DoctorReport(findings: findings)
    }

    private var settingFindings: [Finding] {
        var findings: [Finding] = [.ok(.settings, "valid")]
        if !self.settings.warnings.isEmpty {
            findings = self.settings.warnings.map {
                .warning(.settings, $0, "Correct the name, or ignore this if the variable is another program's.")
            }
        }
        if let access = self.settings.access {
            findings.append(.ok(.access, "\(access.keys.count) API keys and accounts"))
        } else {
            findings.append(
                .warning(
                    .access, "no API keys: everybody who reaches the service may use it",
                    "Set API_KEYS_FILE; `redis-caching-agent api-key NAME` makes a line for it."))
        }
        return findings
    }

    // MARK: Redis

    private func redis(_ configured: RedisConfiguration) async -> [Finding] {
        var configuration = configured
        configuration.clientName = "redis-caching-agent-doctor"
        let (network, seed) = await self.network(configuration)
        var findings = network
        guard let seed else { return findings + Self.skipped(from: .encryption, "needs a connection") }
        configuration.endpoint = seed

        let encryption = await EncryptionProbe.facts(of: configuration)
        var provider: FixedPassword?
        if configuration.hasPasswordProvider {
            let metadata = MetadataServer(authority: self.settings.metadataHost)
            provider = FixedPassword(secret: (try? await metadata.accessToken()).map { RedisPassword($0.secret) })
        }
        let key = "\(self.keyPrefix)redis-caching-agent:doctor:\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        let facts = await RedisProbe(
            configuration: configuration, passwordProvider: provider, key: key, tracksReads: self.settings.near?.mode == .auto
        ).facts()
        if let encryption {
            findings.append(EncryptionCheck.finding(encryption, isAccepted: facts.failure?.code != .tlsFailed))
        } else {
            findings.append(.skipped(.encryption, "REDIS_TLS is off"))
        }
        findings += SessionCheck.findings(facts.failure, configuration, user: facts.user)
        guard facts.failure == nil else { return findings + Self.skipped(from: .commands, "needs a session") }

        findings += PermissionCheck.findings(facts.outcomes, user: facts.user, key: facts.key)
        findings += ServerCheck.findings(facts.information)
        if let cluster = facts.cluster {
            findings += ClusterCheck.findings(
                cluster, maximumShards: configuration.maximumShards,
                doubtSeconds: Int(self.settings.outage.recentWritesSpanInCluster.nanoseconds / 1_000_000_000))
        }
        findings.append(
            LatencyCheck.finding(
                facts.pings, lost: facts.lostPings, deadlineMilliseconds: Int(configuration.commandDeadline.nanoseconds / 1_000_000)))
        return findings
    }

    /// Of a cluster, one of the addresses is enough; the others are warnings.
    /// - Returns: the findings, and the first address that can be reached.
    private func network(_ configuration: RedisConfiguration) async -> ([Finding], RedisEndpoint?) {
        var failed: [Finding] = []
        for seed in configuration.seeds {
            var configuration = configuration
            configuration.endpoint = seed
            let facts = await NetworkProbe.facts(of: configuration)
            let findings = NetworkCheck.findings(facts)
            if facts.failure == nil {
                let others = failed.filter { $0.outcome == .fault }
                return (others.map { Finding(check: $0.check, outcome: .warning, result: $0.result, advice: $0.advice) } + findings, seed)
            }
            failed += findings
        }
        return (failed, nil)
    }

    /// The checks of Redis that cannot be made. Whether it is a cluster is not known then.
    private static func skipped(from first: Finding.Check, _ reason: String) -> [Finding] {
        let checks = Finding.Check.allCases
        guard let start = checks.firstIndex(of: first), let end = checks.firstIndex(of: .platform) else { return [] }
        return checks[start..<end].filter { !Finding.Check.ofCluster.contains($0) }.map { .skipped($0, reason) }
    }

    /// One token is enough for a check.
    private struct FixedPassword: RedisPasswordProvider {
        let secret: RedisPassword?

        func password() async throws -> RedisPassword {
            guard let secret = self.secret else {
                throw RedisFailure(.authenticationFailed, "there is no access token from the metadata server")
            }
            return secret
        }
    }

    // MARK: The platform

    private func platform() async -> Finding {
        guard let settings = self.settings.registration else { return .skipped(.platform, "FACTORY_PLATFORM_URL is not set") }
        let server = RegistrationAssembly.server(settings, MetadataServer(authority: self.settings.metadataHost))
        return PlatformCheck.finding(await server.list(skip: 0))
    }
}

/// Whether the platform answers, from its list of agents.
enum PlatformCheck {
    static func finding(_ event: RegistrationEvent) -> Finding {
        switch event {
        case .listed:
            return .ok(.platform, "answers")
        case .gone:
            return .fault(.platform, "has no list of agents", "Check FACTORY_PLATFORM_URL: the address of the platform, without a path.")
        case .refused:
            return .fault(.platform, "refuses to list its agents", "Check FACTORY_PLATFORM_URL: what answers may be another service.")
        case .failed(let reason) where reason.hasSuffix("401") || reason.hasSuffix("403"):
            return .fault(.platform, reason, "Set FACTORY_PLATFORM_AUTH=id-token, and let the service account call the platform.")
        case .failed(let reason):
            return .fault(.platform, reason, "Check FACTORY_PLATFORM_URL and the way there: egress, firewalls, whether the platform runs.")
        case .started, .waited, .saved:
            return .skipped(.platform, "was not asked")
        }
    }
}
