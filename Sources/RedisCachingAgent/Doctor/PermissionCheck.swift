import RESP
import RedisClient

/// What the Redis user may do, from what happened when it was tried.
enum PermissionCheck {
    /// - Parameters:
    ///   - user: as Redis calls it; nil if it does not say.
    ///   - key: the key that was tried.
    static func findings(_ outcomes: [(trial: CommandTrial, outcome: CommandTrial.Outcome)], user: String?, key: String) -> [Finding] {
        [self.commands(outcomes, user), self.keys(outcomes, key), self.clientCommands(outcomes, user)]
    }

    private typealias Outcomes = [(trial: CommandTrial, outcome: CommandTrial.Outcome)]

    private static func commands(_ outcomes: Outcomes, _ user: String?) -> Finding {
        if outcomes.contains(where: { $0.outcome == .noAnswer }) {
            return .fault(.commands, "Redis stopped answering", "Try again; if it persists, look at Redis's SLOWLOG and its load.")
        }
        if outcomes.contains(where: { $0.outcome == .elsewhere }) {
            return .fault(
                .commands, "Redis is a node of a cluster and has not got the key",
                "Set REDIS_CLUSTER to auto, or to on if Redis refuses HELLO. If it is set, the cluster is changing or down: try again.")
        }
        if outcomes.contains(where: { $0.outcome == .readOnly }) {
            return .fault(.commands, "Redis is a replica and refuses writes", "Use the address of the primary.")
        }
        let ours = outcomes.filter { !$0.trial.name.hasPrefix("CLIENT ") }
        let refused = ours.filter { $0.outcome == .refused }
        let who = user.map { "user \($0)" } ?? "the user"
        if refused.isEmpty { return .ok(.commands, "\(who) may use \(ours.map(\.trial.name).joined(separator: ", "))") }
        let isFault = refused.contains { $0.trial.need == .required }
        let names = refused.map { entry in
            if case .optional(let consequence) = entry.trial.need { "\(entry.trial.name) (\(consequence))" } else { entry.trial.name }
        }
        return Finding(
            check: .commands, outcome: isFault ? .fault : .warning, result: "\(who) may not use \(names.joined(separator: ", "))",
            advice: self.grant(refused, user))
    }

    private static func keys(_ outcomes: Outcomes, _ key: String) -> Finding {
        if outcomes.contains(where: { $0.outcome == .full }) {
            return .fault(.keys, "Redis is out of memory and refuses writes", "Raise maxmemory, or set maxmemory-policy to allkeys-lfu.")
        }
        if outcomes.contains(where: { $0.outcome == .keyRefused }) {
            return .warning(
                .keys, "the user may not use the key \(key): its keys are confined to patterns",
                "Run doctor with --prefix and a prefix that the user may use. Invalidations outside of it will fail.")
        }
        guard outcomes.contains(where: { $0.trial.name == "SET" && $0.outcome == .granted }) else { return .skipped(.keys, "needs SET") }
        return .ok(.keys, "\(key) was written, read and deleted")
    }

    private static func clientCommands(_ outcomes: Outcomes, _ user: String?) -> Finding {
        let ours = outcomes.filter { $0.trial.name.hasPrefix("CLIENT ") }
        let refused = ours.filter { $0.outcome == .refused }
        if refused.isEmpty { return .ok(.clientCommands, ours.map(\.trial.name).joined(separator: ", ")) }
        // Commands with the same consequence are named together.
        var groups: [(need: CommandTrial.Need, names: [String])] = []
        for trial in refused.map(\.trial) {
            if groups.last?.need != trial.need { groups.append((trial.need, [])) }
            groups[groups.count - 1].names.append(trial.name)
        }
        let text = groups.map { need, names in
            let commands = "\(names.joined(separator: " and ")) \(names.count == 1 ? "is" : "are") refused"
            return if case .optional(let consequence) = need { "\(commands): \(consequence)" } else { commands }
        }.joined(separator: "; ")
        return .warning(.clientCommands, text, "\(self.grant(refused, user)) Memorystore may refuse all of them; the service works without.")
    }

    private static func grant(_ refused: Outcomes, _ user: String?) -> String {
        "Grant it: ACL SETUSER \(user ?? "USER") \(refused.map(\.trial.rule).joined(separator: " "))."
    }
}

/// A command that is tried to see whether this user may use it: harmless, and on a key of its own.
///
/// Trying reveals more than `ACL DRYRUN` (Redis 7): also what a managed Redis has renamed or removed. And it needs no permission for `ACL`.
struct CommandTrial: Sendable {
    /// How much the service needs it.
    enum Need: Hashable, Sendable {
        /// The service does not work without it.
        case required
        /// The service works without it, with a consequence.
        case optional(consequence: String)
    }

    /// The command, as people call it.
    let name: String
    let arguments: [RESPArgument]
    let need: Need
    /// The ACL rule that grants it.
    let rule: String

    /// Each command comes after those that it depends on.
    ///
    /// - Parameters:
    ///   - key: a key that nobody else uses; it is deleted, and expires after ten seconds at the latest.
    ///   - tracksReads: whether the service asks Redis to say when what it has read changes (`NEAR_CACHE=auto`).
    ///   - isCluster: whether Redis is a node of a cluster.
    static func all(key: String, tracksReads: Bool, isCluster: Bool = false) -> [CommandTrial] {
        let key = RESPArgument.string(key)
        // The greatest number: no connection has it, so none is closed.
        let nobody = RESPArgument.integer(Int64.max)
        let fence = Need.optional(consequence: "after an outage the service waits OUTAGE_BARRIER_MS instead of ending its old connections")
        var trials = isCluster ? self.ofCluster(key) : []
        trials += [
            CommandTrial(name: "SET", arguments: ["SET", key, "1", "PX", "10000"], need: .required, rule: "+set"),
            CommandTrial(name: "GET", arguments: ["GET", key], need: .required, rule: "+get"),
            CommandTrial(name: "PTTL", arguments: ["PTTL", key], need: .required, rule: "+pttl"),
            CommandTrial(
                name: "EVAL", arguments: ["EVAL", self.script, "1", key],
                need: .optional(consequence: "conditions and a new time to live are answered with 503"),
                rule: "+eval +exists +getrange +pexpire +persist"),
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
        ]
        guard tracksReads else { return trials }
        let copies = Need.optional(consequence: "no copies of reads are kept: each read asks Redis, and an outage begins with an empty memory")
        return trials + [
            CommandTrial(name: "CLIENT TRACKING", arguments: ["CLIENT", "TRACKING", "ON", "OPTIN"], need: copies, rule: "+client|tracking"),
            CommandTrial(name: "CLIENT CACHING", arguments: ["CLIENT", "CACHING", "YES"], need: copies, rule: "+client|caching"),
        ]
    }

    /// Every command that the scripts of the service have: who may not run one of them may not run this.
    private static let script: RESPArgument = """
        redis.call('GET',KEYS[1]) redis.call('PTTL',KEYS[1]) redis.call('GETRANGE',KEYS[1],0,1) redis.call('PERSIST',KEYS[1]) \
        redis.call('PEXPIRE',KEYS[1],10000) return redis.call('EXISTS',KEYS[1])
        """

    /// `ASKING` holds for the next command, which has no key.
    private static func ofCluster(_ key: RESPArgument) -> [CommandTrial] {
        let moving = Need.optional(consequence: "keys that move during an invalidation are deleted later")
        return [
            CommandTrial(name: "EXISTS", arguments: ["EXISTS", key], need: .required, rule: "+exists"),
            CommandTrial(name: "ASKING", arguments: ["ASKING"], need: .required, rule: "+asking"),
            CommandTrial(name: "CLUSTER SLOTS", arguments: ["CLUSTER", "SLOTS"], need: .required, rule: "+cluster|slots"),
            CommandTrial(name: "CLUSTER INFO", arguments: ["CLUSTER", "INFO"], need: .required, rule: "+cluster|info"),
            CommandTrial(name: "CLUSTER NODES", arguments: ["CLUSTER", "NODES"], need: moving, rule: "+cluster|nodes"),
            CommandTrial(
                name: "CLUSTER COUNTKEYSINSLOT", arguments: ["CLUSTER", "COUNTKEYSINSLOT", "0"], need: moving, rule: "+cluster|countkeysinslot"),
            CommandTrial(
                name: "CLUSTER GETKEYSINSLOT", arguments: ["CLUSTER", "GETKEYSINSLOT", "0", "1"], need: moving, rule: "+cluster|getkeysinslot"),
        ]
    }
}

extension CommandTrial {
    enum Outcome: Hashable, Sendable {
        case granted
        /// Not allowed, renamed or removed.
        case refused
        /// The command is allowed, but not this key.
        case keyRefused
        /// The command is allowed, but Redis is out of memory.
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
