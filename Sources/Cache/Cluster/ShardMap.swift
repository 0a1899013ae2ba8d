import RedisClient

/// Which node serves which shard, as a value. A view of the cluster goes in, and what has to change comes out.
///
/// A shard is the slots that one master serves together. It goes on when a replica takes over: whoever serves its slots now is its node, and all that is
/// known of its outage stays where it is. A node that is new to the map takes the place of the node that it has the most slots from, if that one owns
/// nothing any more; else it gets a shard of its own. Slots that no node serves are a shard, too, without a node.
struct ShardMap {
    /// What an adopted view changes.
    struct Changes: Equatable {
        /// Shards that have a node from now on and had none.
        var begun: [Int: ClusterTopology.Node] = [:]
        /// Shards that another node serves, or the same one at another address.
        var moved: [Int: ClusterTopology.Node] = [:]
        /// Slots that have another shard.
        var slots: [Int: [UInt16]] = [:]
        /// Shards without a slot.
        var retired: [Int] = []
    }

    /// The node of each shard. The first shard begins with all slots and a node that is still to be found.
    private(set) var nodes: [ClusterTopology.Node?] = [nil]
    /// The shard of the slots that no node serves, once there have been any.
    private(set) var uncoveredShard: Int?
    /// Who has a slot, by number.
    private(set) var owners = [UInt16](repeating: 0, count: HashSlot.count)
    /// How many shards there may be, the one of uncovered slots included.
    private let maximumShards: Int

    init(maximumShards: Int) {
        self.maximumShards = maximumShards
    }

    /// The shards that have a node.
    var shards: [Int] { self.nodes.indices.filter { self.nodes[$0] != nil } }

    func shard(of identifier: String) -> Int? { self.nodes.firstIndex { $0?.identifier == identifier } }

    /// O(slots + nodes x shards).
    mutating func adopt(_ view: ClusterTopology) -> Changes {
        var changes = Changes()
        let places = self.places(view, &changes)
        for slot in owners.indices {
            let place = view.owners[slot]
            let shard = place == ClusterTopology.nobody ? nil : places[Int(place)]
            guard let owner = shard ?? self.uncovered(), owner != Int(self.owners[slot]) else { continue }
            self.owners[slot] = UInt16(owner)
            changes.slots[owner, default: []].append(UInt16(slot))
        }
        let used = Set(self.owners.map(Int.init))
        for shard in self.shards where !used.contains(shard) {
            self.nodes[shard] = nil
            changes.retired.append(shard)
        }
        return changes
    }

    /// A node says that it does not serve a slot, and nobody else.
    /// - Returns: the shard that stands for such slots; nil if there is no place for it.
    mutating func uncover(_ slot: UInt16) -> Int? {
        guard let shard = self.uncovered() else { return nil }
        self.owners[Int(slot)] = UInt16(shard)
        return shard
    }

    /// A node says that another one has a slot.
    mutating func move(_ slot: UInt16, to shard: Int) { self.owners[Int(slot)] = UInt16(shard) }

    /// The shard of each node of a view; nil for one that there is no place for.
    private mutating func places(_ view: ClusterTopology, _ changes: inout Changes) -> [Int?] {
        var places = view.nodes.map { self.shard(of: $0.identifier) }
        for (index, shard) in places.enumerated() {
            guard let shard, self.nodes[shard] != view.nodes[index] else { continue }
            self.nodes[shard] = view.nodes[index]
            changes.moved[shard] = view.nodes[index]
        }
        var taken = Set(places.compactMap(\.self))
        // Who has the most of a shard takes it over, whoever else has got slots of it.
        for claim in self.claims(view, places).sorted(by: { ($1.slots, $0.index) < ($0.slots, $1.index) }) where !taken.contains(claim.shard) {
            guard places[claim.index] == nil else { continue }
            changes.moved[claim.shard] = view.nodes[claim.index]
            self.place(view.nodes[claim.index], at: claim.shard, claim.index, &places, &taken)
        }
        for (index, node) in view.nodes.enumerated() where places[index] == nil {
            guard let shard = self.free(taken) else { break }
            changes.begun[shard] = node
            self.place(node, at: shard, index, &places, &taken)
        }
        return places
    }

    private mutating func place(_ node: ClusterTopology.Node, at shard: Int, _ index: Int, _ places: inout [Int?], _ taken: inout Set<Int>) {
        self.nodes[shard] = node
        places[index] = shard
        taken.insert(shard)
    }

    /// How many of its slots a node that is new has from which shard.
    private func claims(_ view: ClusterTopology, _ places: [Int?]) -> [(index: Int, shard: Int, slots: Int)] {
        var counts = [[Int: Int]](repeating: [:], count: places.count)
        for (slot, place) in view.owners.enumerated() where place != ClusterTopology.nobody && places[Int(place)] == nil {
            counts[Int(place)][Int(self.owners[slot]), default: 0] += 1
        }
        return counts.enumerated().flatMap { index, counts in
            counts.filter { $0.key != self.uncoveredShard }.map { (index, $0.key, $0.value) }
        }
    }

    /// A shard without a node.
    private mutating func free(_ taken: Set<Int>) -> Int? {
        // A shard that has slots is somebody's, though its node is not known yet.
        let used = Set(self.owners.map(Int.init))
        if let shard = self.nodes.indices.first(where: {
            self.nodes[$0] == nil && $0 != self.uncoveredShard && !taken.contains($0) && !used.contains($0)
        }) {
            return shard
        }
        // There is always a place for slots that no node serves, or none that there is a place for.
        return self.append(upTo: self.maximumShards - (self.uncoveredShard == nil ? 1 : 0))
    }

    private mutating func uncovered() -> Int? {
        if self.uncoveredShard == nil { self.uncoveredShard = self.append(upTo: self.maximumShards) }
        return self.uncoveredShard
    }

    private mutating func append(upTo maximum: Int) -> Int? {
        guard self.nodes.count < maximum else { return nil }
        self.nodes.append(nil)
        return self.nodes.count - 1
    }
}
