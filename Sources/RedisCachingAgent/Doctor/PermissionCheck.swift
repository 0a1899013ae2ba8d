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
                .commands, "Redis is a node of a cluster and sends clients to other nodes",
                "Use an endpoint that serves every key: cluster mode is not supported.")
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
        let text = refused.map { entry in
            let consequence = if case .optional(let text) = entry.trial.need { text } else { "this version does not use it" }
            return "\(entry.trial.name) is refused: \(consequence)"
        }.joined(separator: "; ")
        let missed = refused.filter { $0.trial.need != .unused }
        guard !missed.isEmpty else { return .ok(.clientCommands, text) }
        return .warning(.clientCommands, text, "\(self.grant(missed, user)) Memorystore refuses all of them; the service works without.")
    }

    private static func grant(_ refused: Outcomes, _ user: String?) -> String {
        "Grant it: ACL SETUSER \(user ?? "USER") \(refused.map(\.trial.rule).joined(separator: " "))."
    }
}
