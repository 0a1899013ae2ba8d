import Cache
import RedisClient

/// What the facts of a cluster mean for the service.
enum ClusterCheck {
    /// A shard with this many times its fair share of the slots will be full first.
    private static let unbalanced = 1.5
    private static let namesShown = 5

    /// - Parameters:
    ///   - facts: or why there are none.
    ///   - maximumShards: `REDIS_CLUSTER_MAX_SHARDS`.
    ///   - doubtSeconds: `OUTAGE_DOUBT_SECONDS`.
    static func findings(_ facts: Result<ClusterFacts, RedisFailure>, maximumShards: Int, doubtSeconds: Int) -> [Finding] {
        switch facts {
        case .failure(let failure):
            return [self.unknown(failure)] + Finding.Check.ofCluster.dropFirst().map { .skipped($0, "the cluster does not say who owns what") }
        case .success(let facts):
            return [
                self.coverage(facts), self.nodes(facts), self.replicas(facts), self.versions(facts), self.balance(facts, maximumShards),
                self.failover(facts, doubtSeconds),
            ]
        }
    }

    private static func unknown(_ failure: RedisFailure) -> Finding {
        switch failure.serverErrorPrefix {
        case "NOPERM":
            return .fault(
                .coverage, "the user may not ask who owns which slots", "Grant it: ACL SETUSER USER +cluster|slots +cluster|info +cluster|nodes.")
        case "ERR":
            return .fault(.coverage, "Redis is no node of a cluster", "Set REDIS_CLUSTER=auto, or use the address of a node of the cluster.")
        default:
            return .fault(
                .coverage, "the cluster does not say who owns which slots (\(OutageReason.failure(failure).code))",
                "Try again; if it persists, look at the node's log.")
        }
    }

    private static func coverage(_ facts: ClusterFacts) -> Finding {
        let total = HashSlot.count
        let missing = total - facts.servedSlots
        if missing > 0 {
            return .fault(
                .coverage, "\(missing) of \(total) slots have no owner",
                "Bring back the node that had them, or give them to another (redis-cli --cluster fix): until then memory answers for their keys.")
        }
        if !facts.isWhole {
            return .fault(
                .coverage, "\(total) slots have owners, but the node that was asked says cluster_state:fail",
                "Look at CLUSTER NODES: an owner is away, or the node is cut off from the others.")
        }
        let text = "\(total) of \(total) slots, cluster_state:ok"
        if facts.requiresFullCoverage == true {
            return .warning(
                .coverage, "\(text), cluster-require-full-coverage yes",
                "Set cluster-require-full-coverage no: otherwise every node refuses every key while one shard is away.")
        }
        return .ok(.coverage, text)
    }

    private static func nodes(_ facts: ClusterFacts) -> Finding {
        let silent = facts.nodes.filter { $0.failure != nil }
        guard !silent.isEmpty else { return .ok(.nodes, "\(facts.nodes.count) of \(facts.nodes.count) answer") }
        let names = self.list(silent.map { node in "\(node.name) (\(node.failure.map { OutageReason.failure($0).code } ?? ""))" })
        return Finding(
            check: .nodes, outcome: silent.contains { !$0.isReplica } ? .fault : .warning,
            result: "\(silent.count) of \(facts.nodes.count) cannot be used from here: \(names)",
            advice: "Each node is connected to: let egress pass to every address and port (Memorystore: ports 6379 and 11000 to 13047), and let nodes"
                + " announce addresses that are valid here (cluster-announce-ip, cluster-announce-hostname).")
    }

    private static func replicas(_ facts: ClusterFacts) -> Finding {
        let alone = facts.owners.filter { $0.replicas == 0 }
        guard !alone.isEmpty else { return .ok(.replicas, "each of \(self.shards(facts.owners.count)) has one") }
        return .warning(
            .replicas, "\(alone.count) of \(self.shards(facts.owners.count)) without one: \(self.list(alone.map(\.name)))",
            "Give each shard a replica: the keys of one that is lost are lost, and memory answers for them until it is back.")
    }

    private static func versions(_ facts: ClusterFacts) -> Finding {
        let versions = Set(facts.nodes.compactMap(\.version)).sorted { self.numbers($0).lexicographicallyPrecedes(self.numbers($1)) }
        guard let oldest = versions.first else { return .skipped(.versions, "no node says its version") }
        let text = "Redis \(versions.joined(separator: ", "))"
        if let major = self.numbers(oldest).first, major < 6 {
            return .warning(.versions, text, "Upgrade to 6.2 or later: older versions have no RESP3, no ACL and no tracking of reads.")
        }
        guard versions.count == 1 else { return .warning(.versions, text, "Upgrade the older nodes, unless an upgrade is under way.") }
        return .ok(.versions, text)
    }

    private static func numbers(_ version: String) -> [Int] { version.split(separator: ".").compactMap { Int($0) } }

    private static func balance(_ facts: ClusterFacts, _ maximumShards: Int) -> Finding {
        let slots = facts.owners.map(\.slots)
        guard let least = slots.min(), let most = slots.max() else { return .skipped(.balance, "there are no shards") }
        let text = "\(self.shards(slots.count)) of \(least == most ? "\(most)" : "\(least) to \(most)") slots"
        if slots.count > maximumShards {
            return .fault(
                .balance, "\(text), more shards than REDIS_CLUSTER_MAX_SHARDS (\(maximumShards))",
                "Raise REDIS_CLUSTER_MAX_SHARDS: memory answers for the keys of the others.")
        }
        guard Double(most) * Double(slots.count) <= self.unbalanced * Double(facts.servedSlots) else {
            return .warning(.balance, text, "Move slots (redis-cli --cluster rebalance): the largest shard is full, or busy, first.")
        }
        return .ok(.balance, text)
    }

    /// How long a master that is cut off from the others takes writes that will be lost.
    private static func failover(_ facts: ClusterFacts, _ doubtSeconds: Int) -> Finding {
        guard let timeout = facts.nodeTimeoutMilliseconds else {
            return .skipped(.failover, "cluster-node-timeout is unknown: CONFIG GET is refused")
        }
        let text = "cluster-node-timeout \(timeout) ms, OUTAGE_DOUBT_SECONDS \(doubtSeconds)"
        guard timeout < doubtSeconds * 1000 else {
            return .warning(
                .failover, text,
                "Raise OUTAGE_DOUBT_SECONDS above it: what was written before a failover may be lost, and older values served, beyond that.")
        }
        return .ok(.failover, text)
    }

    private static func shards(_ count: Int) -> String { "\(count) \(count == 1 ? "shard" : "shards")" }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(self.namesShown).joined(separator: ", ")
        return names.count > self.namesShown ? "\(shown) and \(names.count - self.namesShown) more" : shown
    }
}
