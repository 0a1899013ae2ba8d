package import RESP

/// A node that `CLUSTER SLOTS` names. `ClusterTopology` leaves replicas out; whoever looks after a cluster wants to know of them.
package struct ClusterMember: Sendable, Hashable {
    /// What the cluster calls it.
    package let identifier: String
    package let address: ClusterAddress
    /// Whose replica it is; nil for an owner of slots.
    package let owner: String?

    /// Each node once, in the order of its first slot.
    /// - Parameter slots: the reply to `CLUSTER SLOTS`.
    /// - Throws: `RedisFailure` with the code `protocolViolation` for a reply that no node of a cluster gives.
    package static func all(slots: RESPValue) throws(RedisFailure) -> [ClusterMember] {
        guard case .array(let ranges) = slots else { throw ClusterTopology.malformed }
        var members: [ClusterMember] = []
        var known: Set<String> = []
        for range in ranges {
            guard case .array(let parts) = range, parts.count >= 3, let owner = ClusterTopology.node(parts[2]) else {
                throw ClusterTopology.malformed
            }
            for (index, part) in parts[2...].enumerated() {
                guard let node = ClusterTopology.node(part) else { throw ClusterTopology.malformed }
                guard known.insert(node.identifier).inserted else { continue }
                members.append(
                    ClusterMember(identifier: node.identifier, address: node.address, owner: index == 0 ? nil : owner.identifier))
            }
        }
        return members
    }
}

extension RedisControl {
    /// Every node of the cluster that owns slots or replicates an owner, as this one sees it.
    package func clusterMembers() async throws(RedisFailure) -> [ClusterMember] {
        guard let reply = try await self.run([["CLUSTER", "SLOTS"]]).first else { throw .unexpectedReply }
        return try ClusterMember.all(slots: reply)
    }
}
