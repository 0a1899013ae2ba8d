import NIOCore
import RedisClient

/// Whether Redis answers, and lets the service in, from what came of the handshake.
enum SessionCheck {
    /// - Parameters:
    ///   - failure: why there is no session; nil if there is one.
    ///   - user: as Redis calls it; nil if it does not say.
    static func findings(_ failure: RedisFailure?, _ configuration: RedisConfiguration, user: String?) -> [Finding] {
        guard let failure else {
            let isKnown = configuration.password != nil || configuration.passwordFile != nil || configuration.hasPasswordProvider
            let text = isKnown ? "accepted, as user \(user ?? configuration.user ?? "default")" : "no password is configured, and Redis requires none"
            return [.ok(.session, "Redis answers"), .ok(.credentials, text)]
        }
        if failure.code == .authenticationFailed { return [.ok(.session, "Redis answers"), self.credentials(failure)] }
        return [self.session(failure, configuration), .skipped(.credentials, "needs a session")]
    }

    private static func credentials(_ failure: RedisFailure) -> Finding {
        switch failure.serverErrorPrefix {
        case "NOAUTH":
            .fault(.credentials, "Redis requires a password, and none is configured", "Set REDIS_PASSWORD_FILE or REDIS_AUTH.")
        case nil:
            // A sentence of our own: the file or the token cannot be had.
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
        case .serverError where failure.serverErrorPrefix == "ERR" && configuration.database != 0:
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
