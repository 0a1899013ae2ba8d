import MemoryStore
import RedisClient

/// How one shard of a cluster stands.
package struct ShardReport: Sendable {
    /// The shard's number in this process. It says nothing of a node, and another instance may number shards differently.
    package let index: Int
    /// How many slots it has, 1 to 16,384.
    package let slots: Int
    package let outage: OutageReport
}

/// How a cluster is, for `/health`, the metrics and the dashboard. Nothing here names a node.
package struct ClusterReport: Sendable {
    /// The shards that have slots, in the order of their numbers. Slots that no node serves are a shard, too.
    package let shards: [ShardReport]
    package let topology: TopologyReport
    /// Of all event loops.
    package let redirects: RedirectCountersSnapshot

    package init(shards: [ShardReport], topology: TopologyReport, redirects: RedirectCountersSnapshot) {
        self.shards = shards
        self.topology = topology
        self.redirects = redirects
    }

    /// The share of slots whose keys Redis is asked for, 0 to 1. Of the others memory answers for every key.
    package var servedShare: Double {
        let served = self.shards.reduce(0) { $0 + ($1.outage.isRedisAsked ? $1.slots : 0) }
        return Double(served) / Double(HashSlot.count)
    }

    /// How many shards are in a state.
    package func count(_ state: OutageReport.State) -> Int { self.shards.count { $0.outage.state == state } }
}
