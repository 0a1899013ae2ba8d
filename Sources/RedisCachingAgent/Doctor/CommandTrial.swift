import RESP
import RedisClient

/// A command that is carried out to see whether this user may: harmless, and on a key of its own.
///
/// Trying says more than the rules of the ACL (`ACL DRYRUN`, Redis 7) do: it also sees what a managed Redis has renamed or taken out, and it needs no
/// permission for `ACL`.
struct CommandTrial: Sendable {
    /// What does not work without it.
    enum Need: Hashable, Sendable {
        /// The service does not do what it is there for.
        case required
        /// The service does without.
        case optional(consequence: String)
        /// This version does not use it.
        case unused
    }

    /// As people know the command.
    let name: String
    let arguments: [RESPArgument]
    let need: Need
    /// How it is granted, in the words of the ACL.
    let rule: String

    /// In an order in which each finds what it needs.
    ///
    /// - Parameter key: a key that nobody else uses; it is deleted, and expires after ten seconds at the latest.
    static func all(key: String) -> [CommandTrial] {
        let key = RESPArgument.string(key)
        // The greatest number: no connection has it, so that none is ended.
        let nobody = RESPArgument.integer(Int64.max)
        let fence = Need.optional(consequence: "after an outage the service waits OUTAGE_BARRIER_MS instead of ending its old connections")
        return [
            CommandTrial(name: "SET", arguments: ["SET", key, "1", "PX", "10000"], need: .required, rule: "+set"),
            CommandTrial(name: "GET", arguments: ["GET", key], need: .required, rule: "+get"),
            CommandTrial(name: "PTTL", arguments: ["PTTL", key], need: .required, rule: "+pttl"),
            CommandTrial(name: "UNLINK", arguments: ["UNLINK", key], need: .required, rule: "+unlink"),
            CommandTrial(name: "SCAN", arguments: ["SCAN", "0", "MATCH", key, "COUNT", "1"], need: .required, rule: "+scan"),
            CommandTrial(name: "PING", arguments: ["PING"], need: .required, rule: "+ping"),
            CommandTrial(
                name: "INFO", arguments: ["INFO"], need: .optional(consequence: "no statistics, and a failover is not recognised"), rule: "+info"),
            CommandTrial(name: "DBSIZE", arguments: ["DBSIZE"], need: .optional(consequence: "no statistics"), rule: "+dbsize"),
            CommandTrial(
                name: "CLIENT SETNAME", arguments: ["CLIENT", "SETNAME", "redis-caching-agent-doctor"],
                need: .optional(consequence: "CLIENT LIST shows the connections without a name"), rule: "+client|setname"),
            CommandTrial(name: "CLIENT LIST", arguments: ["CLIENT", "LIST", "ID", nobody], need: fence, rule: "+client|list"),
            CommandTrial(name: "CLIENT KILL", arguments: ["CLIENT", "KILL", "ID", nobody], need: fence, rule: "+client|kill"),
            CommandTrial(name: "CLIENT TRACKING", arguments: ["CLIENT", "TRACKING", "ON"], need: .unused, rule: "+client|tracking"),
        ]
    }
}

extension CommandTrial {
    enum Outcome: Hashable, Sendable {
        case granted
        /// Not allowed, renamed, or not there.
        case refused
        /// The command is allowed, this key is not.
        case keyRefused
        /// The command is allowed; Redis has no room.
        case full
        case readOnly
        /// The key lives on another node of a cluster.
        case elsewhere
        case noAnswer

        init(_ result: Result<RESPValue, RedisFailure>) {
            switch result {
            case .success:
                self = .granted
            case .failure(let failure) where failure.isAboutTheKey:
                self = .keyRefused
            case .failure(let failure):
                switch failure.serverErrorPrefix {
                case "OOM": self = .full
                case "READONLY": self = .readOnly
                case "MOVED", "ASK", "CLUSTERDOWN", "CROSSSLOT": self = .elsewhere
                case nil: self = .noAnswer
                default: self = .refused
                }
            }
        }
    }
}
