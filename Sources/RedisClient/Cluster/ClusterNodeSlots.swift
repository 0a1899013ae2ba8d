/// The slots of one node of a cluster as it says itself: the line `myself` of `CLUSTER NODES`, of which a walk over its keys needs to know whether a slot
/// came or went meanwhile.
///
///     <id> <address> myself,master - 0 0 1 connected 0-5460 5500 [93->-<other id>] [77-<-<other id>]
package struct ClusterNodeSlots: Sendable, Hashable {
    /// A slot that is on its way from one node to another.
    package struct OpenSlot: Sendable, Hashable {
        package enum Direction: Sendable, Hashable {
            /// This node owns it, and its keys are leaving one by one.
            case migrating
            /// Another node owns it, and its keys are arriving one by one.
            case importing
        }

        package let slot: HashSlot
        package let direction: Direction
        /// The node at the other end, as the cluster calls it.
        package let node: String
    }

    /// What the cluster calls this node.
    package let identifier: String
    /// Whether it is a master; one without slots counts.
    package let isMaster: Bool
    /// Without those that are arriving.
    package let owned: [ClosedRange<HashSlot>]
    package let open: [OpenSlot]

    /// - Parameter nodes: the reply to `CLUSTER NODES`.
    /// - Throws: `RedisFailure` with the code `protocolViolation` for a reply that no node of a cluster gives. O(length).
    package init(nodes: String) throws(RedisFailure) {
        for line in nodes.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count >= Self.fixedFields else { throw Self.malformed }
            let flags = fields[2].split(separator: ",")
            guard flags.contains("myself") else { continue }
            var owned: [ClosedRange<HashSlot>] = []
            var open: [OpenSlot] = []
            for field in fields.dropFirst(Self.fixedFields) where !field.isEmpty {
                if field.first == "[" { open.append(try Self.openSlot(field)) } else { owned.append(try Self.range(field)) }
            }
            self.identifier = String(fields[0])
            self.isMaster = flags.contains("master")
            self.owned = owned
            self.open = open
            return
        }
        throw Self.malformed
    }

    /// O(ranges).
    package func owns(_ slot: HashSlot) -> Bool { self.owned.contains { $0.contains(slot) } }

    /// Identifier, address, flags, master, PING sent, PONG received, epoch, state of the link; then the slots.
    private static let fixedFields = 8

    /// `5461`, or `0-5460`.
    private static func range(_ text: Substring) throws(RedisFailure) -> ClosedRange<HashSlot> {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(ends.count), let first = self.slot(ends[0]), let last = self.slot(ends[ends.count - 1]), first <= last else {
            throw self.malformed
        }
        return first...last
    }

    /// `[93->-<id>]` or `[77-<-<id>]`.
    private static func openSlot(_ text: Substring) throws(RedisFailure) -> OpenSlot {
        let parts = text.dropFirst().dropLast().split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
        guard text.last == "]", parts.count == 3, let slot = self.slot(parts[0]), !parts[2].isEmpty else { throw self.malformed }
        switch parts[1] {
        case ">": return OpenSlot(slot: slot, direction: .migrating, node: String(parts[2]))
        case "<": return OpenSlot(slot: slot, direction: .importing, node: String(parts[2]))
        default: throw self.malformed
        }
    }

    private static func slot(_ digits: Substring) -> HashSlot? {
        digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(digits).flatMap { HashSlot(index: $0) } : nil
    }

    private static var malformed: RedisFailure { RedisFailure(.protocolViolation, "what a node says of its slots is malformed") }
}
