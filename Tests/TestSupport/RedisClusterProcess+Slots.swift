/// Who owns what, and how that changes.
extension RedisClusterProcess {
    /// What a node says of itself in CLUSTER NODES.
    private struct View {
        let isMaster: Bool
        /// The identifier of the node that this one replicates; `-` for a master.
        let master: String
        let epoch: Int
        let slots: [ClosedRange<Int>]

        init?(_ line: String) {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count >= 8, let epoch = Int(fields[6]) else { return nil }
            self.isMaster = fields[2].contains("master")
            self.master = fields[3]
            self.epoch = epoch
            self.slots = fields.dropFirst(8).compactMap { field in
                // An open slot stands in brackets.
                let ends = field.split(separator: "-").compactMap { Int($0) }
                guard !field.hasPrefix("["), let first = ends.first, let last = ends.last else { return nil }
                return first...last
            }
        }
    }

    private func view(_ node: Int) async throws -> View {
        guard let line = try await self.lines(of: node, "CLUSTER", "NODES").first(where: { $0.contains("myself") }), let view = View(line) else {
            throw TestProcessError(reason: "node \(node) says nothing of itself")
        }
        return view
    }

    /// The slot of a key, by the specification's words rather than by the service's code.
    package static func slot(of key: String) -> Int {
        var bytes = Array(key.utf8)
        if let open = bytes.firstIndex(of: UInt8(ascii: "{")) {
            let tag = bytes[(open + 1)...].prefix { $0 != UInt8(ascii: "}") }
            if !tag.isEmpty, open + 1 + tag.count < bytes.count { bytes = Array(tag) }
        }
        let remainder = bytes.reduce(UInt16(0)) { remainder, byte in
            (0..<8).reduce(remainder ^ UInt16(byte) << 8) { value, _ in value & 0x8000 == 0 ? value << 1 : value << 1 ^ 0x1021 }
        }
        return Int(remainder) % Self.slotCount
    }

    /// The running master that has the slot by its own word, and the newest such; nil if none has.
    package func owner(of slot: Int) async throws -> Int? {
        var best: (node: Int, epoch: Int)?
        for node in self.running {
            let view = try await self.view(node)
            guard view.isMaster, view.slots.contains(where: { $0.contains(slot) }), view.epoch > best?.epoch ?? -1 else { continue }
            best = (node, view.epoch)
        }
        return best?.node
    }

    /// The running master that has the slot of the key.
    package func owner(ofKey key: String) async throws -> Int {
        guard let node = try await self.owner(of: Self.slot(of: key)) else { throw TestProcessError(reason: "nobody has \(key)") }
        return node
    }

    /// All slots that a node has by its own word, in order.
    package func slots(of node: Int) async throws -> [Int] {
        let view = try await self.view(node)
        return view.isMaster ? view.slots.flatMap { Array($0) } : []
    }

    /// The running masters that have slots.
    package func masters() async throws -> [Int] {
        var found: [Int] = []
        for node in self.running where try await !self.slots(of: node).isEmpty { found.append(node) }
        return found
    }

    /// A running replica of a node; nil if it has none.
    package func replica(of master: Int) async throws -> Int? {
        for node in self.running {
            let view = try await self.view(node)
            if !view.isMaster, view.master == self.identifiers[master] { return node }
        }
        return nil
    }

    /// A key with a beginning of the test's choice that belongs to a node.
    package func key(_ beginning: String, at node: Int) async throws -> String {
        let slots = Set(try await self.slots(of: node))
        for number in 0..<1_000_000 where slots.contains(Self.slot(of: "\(beginning)\(number)")) { return "\(beginning)\(number)" }
        throw TestProcessError(reason: "node \(node) has no slots")
    }

    // MARK: Failover

    /// Has a replica take over from its living master, and waits until it has.
    package func failover(to replica: Int) async throws {
        var asked: ContinuousClock.Instant?
        try await eventually("node \(replica) to have slots") {
            if try await !self.slots(of: replica).isEmpty { return true }
            // The server gives up after 5 s, and says nothing, if master and voters have not answered it by then.
            if asked.map({ ContinuousClock.now - $0 > .seconds(6) }) ?? true {
                asked = .now
                _ = try await self.replies(replica, [["CLUSTER", "FAILOVER"]])
            }
            return false
        }
    }

    /// Waits until a replica has taken over by itself.
    package func waitForTakeover(by replica: Int, fileID: String = #fileID, line: Int = #line) async throws {
        try await eventually("node \(replica) to have slots", fileID: fileID, line: line) { try await !self.slots(of: replica).isEmpty }
    }

    // MARK: Slots

    /// Moves slots and their keys while the cluster serves, as redis-cli does it.
    package func migrate(_ slots: some Sequence<Int>, from source: Int, to target: Int) async throws {
        var rest = Array(slots)[...]
        while !rest.isEmpty {
            // Few at a time, because every one of them is open meanwhile.
            let batch = Array(rest.prefix(64))
            rest = rest.dropFirst(batch.count)
            try await self.open(batch, from: source, to: target)
            try await self.close(batch, from: source, to: target)
        }
    }

    /// Opens a slot, moves half of its keys, the one more if they are odd, and leaves it so.
    package func halfMove(_ slot: Int, from source: Int, to target: Int) async throws {
        try await self.open([slot], from: source, to: target)
        let count = try await self.command(source, "CLUSTER", "COUNTKEYSINSLOT", "\(slot)").integer ?? 0
        _ = try await self.moveKeys([slot], limit: (count + 1) / 2, from: source, to: target)
    }

    /// Ends what `halfMove` has begun.
    package func finishMove(_ slot: Int, from source: Int, to target: Int) async throws {
        try await self.close([slot], from: source, to: target)
    }

    /// A node takes slots from whoever has them, without their keys.
    package func takeOver(_ slots: some Sequence<Int>, from source: Int, by target: Int) async throws {
        let slots = Array(slots)
        // Who was importing gets a new epoch, and so is believed.
        try await self.order(target, slots.map { ["CLUSTER", "SETSLOT", "\($0)", "IMPORTING", self.identifiers[source]] })
        try await self.order(target, slots.map { ["CLUSTER", "SETSLOT", "\($0)", "NODE", self.identifiers[target]] })
    }

    /// Nobody has the slots any more.
    package func lose(_ slots: some Sequence<Int>) async throws {
        let words = ["CLUSTER", "DELSLOTS"] + slots.map(String.init)
        for node in self.running { _ = try await self.replies(node, [words]) }
    }

    /// A node has slots that nobody had.
    package func give(_ slots: some Sequence<Int>, to node: Int) async throws {
        try await self.order(node, ["CLUSTER", "ADDSLOTS"] + slots.map(String.init))
    }

    private func open(_ slots: [Int], from source: Int, to target: Int) async throws {
        try await self.order(target, slots.map { ["CLUSTER", "SETSLOT", "\($0)", "IMPORTING", self.identifiers[source]] })
        try await self.order(source, slots.map { ["CLUSTER", "SETSLOT", "\($0)", "MIGRATING", self.identifiers[target]] })
    }

    /// The importer first: at no time nobody has the slot.
    private func close(_ slots: [Int], from source: Int, to target: Int) async throws {
        while try await self.moveKeys(slots, limit: 100, from: source, to: target) > 0 {}
        for node in [target, source] + (try await self.masters()).filter({ $0 != source && $0 != target }) {
            try await self.order(node, slots.map { ["CLUSTER", "SETSLOT", "\($0)", "NODE", self.identifiers[target]] })
        }
    }

    /// - Parameter limit: how many keys of each slot at most
    /// - Returns: how many keys were found
    private func moveKeys(_ slots: [Int], limit: Int, from source: Int, to target: Int) async throws -> Int {
        let replies = try await self.replies(source, slots.map { ["CLUSTER", "GETKEYSINSLOT", "\($0)", "\(limit)"] })
        let found = replies.map { reply in reply.elements.compactMap(\.text) }
        try await self.order(source, found.filter { !$0.isEmpty }.map { self.migration(of: $0, to: target) })
        return found.reduce(0) { $0 + $1.count }
    }

    private func migration(of keys: [String], to target: Int) -> [String] {
        ["MIGRATE", Self.host, "\(self.ports[target])", "", "0", "5000"] + self.authentication + ["KEYS"] + keys
    }
}
