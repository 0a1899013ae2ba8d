package import RedisClient

/// Why Redis counts as away.
package enum OutageReason: Sendable, Hashable {
    /// The process has just started.
    case starting
    /// So many commands in a row were not answered in time.
    case deadlines
    /// More commands wait for an answer than may.
    case overloaded
    /// More writes were not answered in time than the journal remembers.
    case journalFull
    /// What the connection met with.
    case failure(RedisFailure)

    /// One word for metrics and `/health`: no host, no secret, nothing that a server or client made up.
    package var code: String {
        switch self {
        case .starting: return "starting"
        case .deadlines: return "deadline_exceeded"
        case .overloaded: return "queue_full"
        case .journalFull: return "journal_full"
        case .failure(let failure):
            if let prefix = failure.serverErrorPrefix { return Self.code(ofServerError: prefix) }
            switch failure.code {
            case .connectFailed: return "connect_failed"
            case .unresponsive: return "unresponsive"
            case .tlsFailed: return "tls_failed"
            case .connectionClosed, .notConnected: return "connection_lost"
            case .deadlineExceeded: return "deadline_exceeded"
            case .queueFull: return "queue_full"
            case .authenticationFailed: return "authentication_failed"
            case .protocolViolation, .unexpectedReply: return "protocol_violation"
            default: return "failed"
            }
        }
    }

    /// The same as a sentence for whoever looks at `/health`.
    package var sentence: String {
        switch self.code {
        case "starting": "The service has just started"
        case "deadline_exceeded": "Redis does not answer in time"
        case "queue_full": "Too many commands wait for Redis"
        case "journal_full": "More writes wait to be replayed to Redis than can be remembered"
        case "connect_failed": "Redis cannot be reached"
        case "unresponsive": "Redis accepts connections but does not answer"
        case "tls_failed": "The connection to Redis cannot be encrypted: a certificate is not trusted or cannot be used"
        case "connection_lost": "The connection to Redis was lost"
        case "authentication_failed": "Redis refuses the user or the password"
        case "not_permitted": "Redis does not permit this user a command that the cache needs"
        case "read_only": "Redis is read-only"
        case "loading": "Redis is loading its data"
        case "master_down": "Redis has lost its master"
        case "cluster_down": "The Redis cluster is down"
        case "busy": "Redis is busy with a script"
        case "protocol_violation": "What answers is not Redis"
        default: "Redis answers with an error"
        }
    }

    /// Whether asking often cannot help, because a person has to change something.
    var isConfiguration: Bool { ["authentication_failed", "not_permitted", "tls_failed"].contains(self.code) }

    /// Closed, so that a strange server cannot make labels up.
    private static func code(ofServerError prefix: String) -> String {
        switch prefix {
        case "READONLY": "read_only"
        case "LOADING": "loading"
        case "MASTERDOWN": "master_down"
        case "CLUSTERDOWN": "cluster_down"
        case "NOAUTH", "WRONGPASS": "authentication_failed"
        case "NOPERM": "not_permitted"
        case "BUSY": "busy"
        default: "server_error"
        }
    }
}
