import NIOCore
package import RESP

/// Who owns which slots, as one node of a cluster sees it: the replies to `CLUSTER SLOTS` and `CLUSTER INFO`.
///
/// Replicas serve nothing: they lag behind, and a read from one could be older than a write that was acknowledged.
package struct ClusterTopology: Sendable, Hashable {
    /// An owner of slots.
    package struct Node: Sendable, Hashable {
        /// What the cluster calls it, whatever its address.
        package let identifier: String
        package let address: ClusterAddress
    }

    /// In the order of their first slots.
    package let nodes: [Node]
    /// Where replicas are: they are asked for nothing but the topology, if nobody else answers.
    package let replicas: Set<ClusterAddress>
    /// Of each slot, the place of its owner in `nodes`, or `nobody`.
    package let owners: [UInt16]
    /// Whether the node that was asked calls the cluster whole.
    package let isWhole: Bool
    /// Grows with a failover, but not with every slot that moves.
    package let epoch: UInt64

    /// The owner of a slot that none serves.
    package static let nobody = UInt16.max
    /// More nodes than any cluster has (the specification's limit is 1,000).
    private static let maximumNodes = 4096

    /// - Parameters:
    ///   - slots: the reply to `CLUSTER SLOTS`.
    ///   - information: the reply to `CLUSTER INFO`.
    /// - Throws: `RedisFailure` with the code `protocolViolation` for replies that no node of a cluster gives.
    package init(slots: RESPValue, information: RESPValue) throws(RedisFailure) {
        guard case .array(let ranges) = slots, let text = information.text.map({ String(buffer: $0) }) else { throw Self.malformed }
        var nodes: [Node] = []
        var replicas: Set<ClusterAddress> = []
        var places: [String: UInt16] = [:]
        var owners = [UInt16](repeating: Self.nobody, count: HashSlot.count)
        for range in ranges {
            let (first, last, node) = try Self.range(range)
            replicas.formUnion(Self.replicas(range))
            let place = places[node.identifier] ?? UInt16(nodes.count)
            if place == nodes.count {
                guard nodes.count < Self.maximumNodes else { throw Self.malformed }
                nodes.append(node)
                places[node.identifier] = place
            }
            for slot in first...last {
                guard owners[slot] == Self.nobody else { throw Self.malformed }
                owners[slot] = place
            }
        }
        self.nodes = nodes
        self.replicas = replicas
        self.owners = owners
        self.isWhole = Self.field("cluster_state", text) == "ok"
        self.epoch = Self.field("cluster_current_epoch", text).flatMap { UInt64($0) } ?? 0
    }

    /// How many slots have an owner.
    package var servedSlots: Int { self.owners.count { $0 != Self.nobody } }

    /// The owner of a slot; nil if none serves it.
    package func owner(of slot: HashSlot) -> Node? {
        let place = self.owners[Int(slot.index)]
        return place == Self.nobody ? nil : self.nodes[Int(place)]
    }

    /// The slots whose owner is another one than in an earlier view. O(slots).
    package func changedSlots(since earlier: ClusterTopology) -> [HashSlot] {
        (0..<HashSlot.count).compactMap { index in
            HashSlot(index: index).flatMap { self.owner(of: $0)?.identifier == earlier.owner(of: $0)?.identifier ? nil : $0 }
        }
    }

    /// `[first, last, [host, port, identifier, metadata], replica, ...]`; before Redis 4 without identifiers.
    private static func range(_ value: RESPValue) throws(RedisFailure) -> (first: Int, last: Int, Node) {
        guard case .array(let members) = value, members.count >= 3, case .integer(let first) = members[0], case .integer(let last) = members[1],
            first <= last, let low = HashSlot(index: Int(first)), let high = HashSlot(index: Int(last)), let node = Self.node(members[2])
        else { throw Self.malformed }
        return (Int(low.index), Int(high.index), node)
    }

    /// `[host, port, identifier, metadata]`.
    static func node(_ value: RESPValue) -> Node? {
        guard case .array(let node) = value, node.count >= 2, case .integer(let port) = node[1],
            let address = ClusterAddress(host: Self.host(node), port: Int(port))
        else { return nil }
        let identifier = node.count >= 3 ? node[2].text.map { String(buffer: $0) } : nil
        return Node(identifier: identifier ?? "\(address.host ?? ""):\(port)", address: address)
    }

    /// What is malformed is left out.
    private static func replicas(_ range: RESPValue) -> [ClusterAddress] {
        guard case .array(let members) = range else { return [] }
        return members.dropFirst(3).compactMap { member in
            guard case .array(let node) = member, node.count >= 2, case .integer(let port) = node[1] else { return nil }
            return ClusterAddress(host: self.host(node), port: Int(port))
        }
    }

    /// A node that prefers host names and has none says `?`, and its address in the metadata.
    private static func host(_ node: [RESPValue]) -> String? {
        let host = node[0].text.map { String(buffer: $0) }
        guard host == "?", node.count >= 4 else { return host }
        let metadata: [RESPValue]
        switch node[3] {
        case .array(let members), .map(let members): metadata = members
        default: return nil
        }
        for index in stride(from: 0, to: metadata.count - 1, by: 2) where metadata[index].text == ByteBuffer(staticString: "ip") {
            return metadata[index + 1].text.map { String(buffer: $0) }
        }
        return nil
    }

    private static func field(_ name: String, _ text: String) -> Substring? {
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("\(name):") { return line.dropFirst(name.count + 1) }
        return nil
    }

    static var malformed: RedisFailure { RedisFailure(.protocolViolation, "the view of the cluster is malformed") }
}
