import NIOCore
import RESP

/// What is asked of one node of a cluster. Everything here is about that node and its keys: who knows the others is the caller.
extension RedisControl {
    /// Who owns which slots, as this node sees it.
    /// - Throws: a server error if it is no node of a cluster, `protocolViolation` if what it says makes no sense.
    package func clusterView() async throws(RedisFailure) -> ClusterTopology {
        let replies = try await self.run([["CLUSTER", "INFO"], ["CLUSTER", "SLOTS"]])
        guard replies.count == 2 else { throw .unexpectedReply }
        return try ClusterTopology(slots: replies[1], information: replies[0])
    }

    /// The slots that this node owns, and those that come and go.
    package func ownSlots() async throws(RedisFailure) -> ClusterNodeSlots {
        guard let text = try await self.run([["CLUSTER", "NODES"]]).first?.text else { throw .unexpectedReply }
        return try ClusterNodeSlots(nodes: String(buffer: text))
    }

    /// Keys that this node has of one slot, whether it owns the slot or not.
    package struct SlotKeys: Sendable, Hashable {
        /// How many there are.
        package let count: Int
        /// At most as many as were asked for; in no order, and there is no way to ask for the others.
        package let keys: [[UInt8]]

        /// Whether `keys` are all.
        package var isComplete: Bool { self.keys.count >= self.count }
    }

    /// - Parameter limit: keys to return, 1 or more. The node looks at so many keys in one go.
    package func keys(inSlot slot: HashSlot, limit: Int) async throws(RedisFailure) -> SlotKeys {
        let number = RESPArgument.integer(slot.index)
        let replies = try await self.run([
            ["CLUSTER", "COUNTKEYSINSLOT", number], ["CLUSTER", "GETKEYSINSLOT", number, .integer(max(1, limit))],
        ])
        guard replies.count == 2, case .integer(let count) = replies[0], case .array(let elements) = replies[1] else { throw .unexpectedReply }
        var keys: [[UInt8]] = []
        keys.reserveCapacity(elements.count)
        for element in elements {
            guard let key = element.text else { throw .unexpectedReply }
            keys.append(Array(key.readableBytesView))
        }
        return SlotKeys(count: Int(count), keys: keys)
    }
}

// MARK: The walk

extension RedisControl {
    /// Commands of one step of a walk; a page of SCAN is about half as many, and the connection takes twice as many.
    private static let maximumKeysPerStep = 2000

    /// Deletes the keys of one page, with a command each, and asks for the next page in the same round trip.
    /// - Returns: the reply to `next`, if there is one.
    func removeEach(
        _ keys: [RESPArgument], then next: [RESPArgument]?, into deletion: inout Deletion
    ) async throws(RedisFailure) -> Result<RESPValue, RedisFailure>? {
        var start = 0
        while true {
            let step = keys[start..<min(start + Self.maximumKeysPerStep, keys.count)]
            let isLast = step.endIndex == keys.count
            let results = await self.pipeline(step.map { ["UNLINK", $0] } + (isLast ? next.map { [$0] } ?? [] : []))
            for (key, result) in zip(step, results) { try deletion.note(result, of: key) }
            if isLast { return next == nil ? nil : results.last }
            start = step.endIndex
        }
    }
}

extension RedisControl.Deletion {
    /// A key that another node has, or nobody.
    package struct Redirected: Sendable, Hashable {
        package let key: [UInt8]
        /// nil if nobody serves the key's slot at the moment.
        package let redirect: RedisRedirect?

        package init(key: [UInt8], redirect: RedisRedirect?) {
            self.key = key
            self.redirect = redirect
        }
    }

    /// Bounds the memory for `redirected`. A node that has lost a slot keeps few of its keys; one that has lost all of them is not worth a walk.
    package static let maximumRedirected = 10_000

    fileprivate mutating func note(_ result: Result<RESPValue, RedisFailure>, of key: RESPArgument) throws(RedisFailure) {
        switch result {
        case .success(.integer(let count)): self.removed += Int(count)
        case .success: throw .unexpectedReply
        case .failure(let failure) where failure.isAboutTheKey: self.refused += 1
        case .failure(let failure) where failure.redirect != nil || failure.isAboutTheSlot:
            guard self.redirected.count < Self.maximumRedirected else { throw failure }
            self.redirected.append(Redirected(key: Array(key.bytes.readableBytesView), redirect: failure.redirect))
        case .failure(let failure): throw failure
        }
    }
}
