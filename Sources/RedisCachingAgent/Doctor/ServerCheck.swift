import NIOCore
import RedisClient

/// Version, role, memory and eviction, as `INFO` reports them.
enum ServerCheck {
    /// Redis counts as nearly full from this share of `maxmemory` on.
    private static let nearlyFull = 0.9

    /// - Parameter information: nil if Redis refuses `INFO`.
    static func findings(_ information: RedisInformation?) -> [Finding] {
        guard let information else {
            return [.skipped(.server, "INFO is refused"), .skipped(.memory, "INFO is refused")]
        }
        return [self.server(information), self.memory(information)]
    }

    private static func server(_ information: RedisInformation) -> Finding {
        guard let version = information.version else { return .skipped(.server, "Redis does not say its version") }
        if information.role == "slave" {
            return .fault(.server, "Redis \(version), a replica", "Use the address of the primary: a replica refuses writes.")
        }
        let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return .ok(.server, "Redis \(version)") }
        if numbers[0] < 6 {
            return .warning(
                .server, "Redis \(version)",
                "Upgrade to 6.2 or later: this version has no RESP3, no ACL and no SCAN TYPE, which a full journal needs.")
        }
        if numbers[0] == 6, numbers[1] < 2 {
            return .warning(.server, "Redis \(version)", "Upgrade to 6.2 or later: without CLIENT LIST ID old connections outlive an outage.")
        }
        return .ok(.server, "Redis \(version)")
    }

    private static func memory(_ information: RedisInformation) -> Finding {
        guard let maximum = information.maximumMemoryBytes else { return .skipped(.memory, "Redis does not say its maxmemory") }
        let policy = information.evictionPolicy
        guard maximum > 0 else {
            return .warning(
                .memory, "maxmemory is not set",
                "Set maxmemory and maxmemory-policy allkeys-lfu: without them Redis grows until the system ends it.")
        }
        let used = information.usedMemoryBytes.map { "\(self.mebibytes($0)) of " } ?? ""
        let text = "\(used)\(self.mebibytes(maximum)) used, maxmemory-policy \(policy ?? "unknown")"
        switch policy {
        case "noeviction":
            let share = Double(information.usedMemoryBytes ?? 0) / Double(maximum)
            let advice = "Set maxmemory-policy to allkeys-lfu: when Redis is full, writes are answered with 507."
            return share >= self.nearlyFull ? .fault(.memory, text, advice) : .warning(.memory, text, advice)
        case let policy? where policy.hasPrefix("volatile-"):
            return .warning(
                .memory, text, "Set maxmemory-policy to allkeys-lfu, or always set a TTL: keys without one are never evicted, and fill Redis.")
        default:
            return .ok(.memory, text)
        }
    }

    private static func mebibytes(_ bytes: Int64) -> String { "\((bytes + 524_288) / 1_048_576) MiB" }
}

/// Whether Redis answers and accepts the credentials, from the result of the handshake.
enum SessionCheck {
    /// - Parameters:
    ///   - failure: why there is no session; nil if there is one.
    ///   - user: as Redis reports it; nil if it does not.
    static func findings(_ failure: RedisFailure?, _ configuration: RedisConfiguration, user: String?) -> [Finding] {
        guard let failure else {
            let isKnown = configuration.password != nil || configuration.passwordFile != nil || configuration.hasPasswordProvider
            let text = isKnown ? "accepted, as user \(user ?? configuration.user ?? "default")" : "no password is configured, and Redis requires none"
            return [.ok(.session, "Redis answers"), .ok(.credentials, text)]
        }
        if failure.code == .iamUnavailable {
            return [
                .ok(.session, "Redis answers"),
                .fault(
                    .credentials, "Redis cannot check the access token at the moment",
                    "Try again in a minute; if it persists, look at how many connections are made, and at the instance's IAM."),
            ]
        }
        if failure.code == .authenticationFailed { return [.ok(.session, "Redis answers"), self.credentials(failure)] }
        return [self.session(failure, configuration), .skipped(.credentials, "needs a session")]
    }

    private static func credentials(_ failure: RedisFailure) -> Finding {
        switch failure.serverErrorPrefix {
        case "NOAUTH":
            .fault(.credentials, "Redis requires a password, and none is configured", "Set REDIS_PASSWORD_FILE or REDIS_AUTH.")
        case nil:
            // Our own message: there is no file or token to read.
            .fault(.credentials, failure.logMessage ?? "there is no password", "Check REDIS_PASSWORD_FILE or the metadata server (REDIS_AUTH).")
        default:
            .fault(
                .credentials, "Redis refused the user or the password",
                "Check REDIS_USER and the password. A password file must hold what Redis has now: AUTH strings rotate.")
        }
    }

    private static func session(_ failure: RedisFailure, _ configuration: RedisConfiguration) -> Finding {
        switch failure.code {
        case .tlsFailed:
            return .skipped(.session, "needs encryption")
        case .connectionClosed where configuration.tls == nil:
            return .fault(
                .session, "the server closes the connection without an answer",
                "If the port expects TLS, use rediss:// or REDIS_TLS=on. Otherwise look at Redis's log and maxclients.")
        case .connectionClosed:
            return .fault(.session, "the server closes the connection without an answer", "Look at Redis's log and maxclients.")
        case .protocolViolation, .unexpectedReply:
            return .fault(.session, "what answers is not Redis", "Check the port.")
        case .databaseRefused:
            return .fault(.session, "Redis refuses database \(configuration.database)", "Check REDIS_DB; a cluster has database 0 only.")
        case .serverError:
            return .fault(
                .session, "Redis is not ready (\(failure.serverErrorPrefix ?? "ERR"))",
                "Wait until it has loaded its data, or use the address of the primary.")
        default:
            let milliseconds = configuration.connectTimeout.nanoseconds / 1_000_000
            return .fault(
                .session, "Redis accepts connections but does not answer within \(milliseconds) ms (REDIS_CONNECT_TIMEOUT_MS)",
                "Redis hangs or is overloaded: look at its process, its SLOWLOG and its log.")
        }
    }
}

/// Round trips to Redis, compared with the deadline of a command.
enum LatencyCheck {
    /// - Parameters:
    ///   - times: of the round trips that were answered, in any order.
    ///   - lost: how many were not answered.
    ///   - deadlineMilliseconds: `REDIS_DEADLINE_MS`.
    static func finding(_ times: [Duration], lost: Int, deadlineMilliseconds: Int) -> Finding {
        let sorted = times.sorted()
        guard let median = self.percentile(50, of: sorted), let high = self.percentile(99, of: sorted), let maximum = sorted.last, lost == 0 else {
            return .fault(.latency, "\(lost) of \(times.count + lost) PINGs were not answered", "Look at the load of Redis and at the network.")
        }
        let deadline = Duration.milliseconds(deadlineMilliseconds)
        let text = "\(times.count) PINGs: p50 \(median.milliseconds), p99 \(high.milliseconds), max \(maximum.milliseconds)"
        let late = sorted.count { $0 >= deadline }
        if median >= deadline {
            return .fault(
                .latency, "\(text); more than half take longer than REDIS_DEADLINE_MS (\(deadlineMilliseconds) ms)",
                "Bring Redis nearer (same region and zone), or raise REDIS_DEADLINE_MS: nearly every command would be answered from memory.")
        }
        if late > 0 || high * 2 >= deadline {
            return .warning(
                .latency, "\(text); \(late) of them REDIS_DEADLINE_MS (\(deadlineMilliseconds) ms) or longer",
                "Bring Redis nearer, or raise REDIS_DEADLINE_MS: a command that takes longer is answered from memory.")
        }
        return .ok(.latency, "\(text); REDIS_DEADLINE_MS is \(deadlineMilliseconds) ms")
    }

    /// By nearest rank.
    static func percentile(_ percent: Int, of sorted: [Duration]) -> Duration? {
        guard !sorted.isEmpty else { return nil }
        return sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
    }
}
