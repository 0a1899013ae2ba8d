import NIOCore
package import RESP
package import RedisClient

/// What concerns all shards: invalidation by pattern, counts, statistics. Of a single Redis, its one shard.
package struct ClusterControl: CacheControlConnection {
    private let directory: ShardDirectory

    package init(_ directory: ShardDirectory) {
        self.directory = directory
    }

    package var refusedOptionalCommands: [String] {
        get async {
            var refused: [String] = []
            for (_, connections) in self.directory.allConnections.sorted(by: { $0.key < $1.key }) {
                for command in await connections.control.refusedOptionalCommands where !refused.contains(command) { refused.append(command) }
            }
            return refused
        }
    }

    /// Sends a command with one key to whoever has the key.
    package func perform(_ arguments: [RESPArgument], key: [UInt8]) async -> Result<RESPValue, RedisFailure> {
        let shard = self.directory.gate.table.shard(of: self.directory.gate.table.slot(of: key))
        let command = KeyCommands.Command(key: key, arguments: arguments)
        return await KeyCommands(directory: self.directory).perform([command], at: shard).first ?? .failure(.notConnected)
    }

    // MARK: Walks

    package func deleteKeys(matching pattern: [UInt8], from shards: [Int]) async -> ShardDeletion {
        guard self.directory.isCluster else {
            guard let control = self.directory.connections(of: 0)?.control else { return ShardDeletion() }
            return await control.deleteKeys(matching: pattern, from: shards)
        }
        return await ClusterWalk(self.directory, pattern, self.shards(for: pattern, among: shards)).run()
    }

    /// A pattern with a whole `{tag}` in its literal beginning concerns one slot.
    private func shards(for pattern: [UInt8], among shards: [Int]) -> [Int] {
        guard let slot = GlobPattern.slot(of: pattern) else { return shards }
        let owner = self.directory.gate.table.shard(of: slot.index)
        return shards.filter { $0 == owner }
    }

    package func keyCount(matching pattern: [UInt8]) async throws(RedisFailure) -> Int {
        let counts = await self.directory.ask(await self.shardsToCount(pattern)) { control throws(RedisFailure) in
            try await control.keyCount(matching: pattern)
        }
        var sum = 0
        for count in counts.values { sum += try count.get() }
        return sum
    }

    /// Keys of a slot that is on its way are at two nodes.
    private func shardsToCount(_ pattern: [UInt8]) async -> [Int] {
        let all = self.directory.gate.shardsInUse
        guard self.directory.isCluster, let slot = GlobPattern.slot(of: pattern), let owner = self.shards(for: pattern, among: all).first,
            let slots = try? await self.directory.connections(of: owner)?.control.ownSlots(),
            slots.owns(slot), !slots.open.contains(where: { $0.slot == slot })
        else { return all }
        return [owner]
    }

    // MARK: Statistics

    package var topology: TopologyReport? { self.directory.isCluster ? self.directory.report : nil }

    /// Fails if no shard answers.
    package func information() async throws(RedisFailure) -> ShardInformation {
        let gate = self.directory.gate
        let shards = gate.shardsInUse
        let results = await self.directory.ask(shards.filter { gate.isAsked($0) }) { control throws(RedisFailure) in
            try await control.serverInformation()
        }
        var sum: RedisInformation?
        var answers = 0
        var failure = RedisFailure.notConnected
        for result in results.values {
            switch result {
            case .success(let information):
                answers += 1
                sum = sum.map { $0.adding(information) } ?? information
            case .failure(let other): failure = other
            }
        }
        guard let sum else { throw failure }
        return ShardInformation(sum, isWhole: answers == shards.count)
    }
}

extension RedisInformation {
    /// Of two nodes of a cluster together: sums, the shorter time since the start, and what both say alike.
    func adding(_ other: RedisInformation) -> RedisInformation {
        func sum(_ field: KeyPath<RedisInformation, Int64?>) -> Int64? {
            guard let left = self[keyPath: field] else { return other[keyPath: field] }
            return left + (other[keyPath: field] ?? 0)
        }
        var total = RedisInformation()
        total.version = self.version == other.version ? self.version : nil
        total.role = self.role == other.role ? self.role : nil
        total.evictionPolicy = self.evictionPolicy == other.evictionPolicy ? self.evictionPolicy : nil
        total.uptimeSeconds = [self.uptimeSeconds, other.uptimeSeconds].compactMap(\.self).min()
        total.connectedClients = sum(\.connectedClients)
        total.usedMemoryBytes = sum(\.usedMemoryBytes)
        total.usedMemoryHuman = total.usedMemoryBytes.map { CacheStatistics.humanReadable(bytes: Int($0)) } ?? self.usedMemoryHuman
        total.maximumMemoryBytes = self.maximumMemoryBytes == 0 || other.maximumMemoryBytes == 0 ? 0 : sum(\.maximumMemoryBytes)
        total.totalCommandsProcessed = sum(\.totalCommandsProcessed)
        total.keyspaceHits = sum(\.keyspaceHits)
        total.keyspaceMisses = sum(\.keyspaceMisses)
        total.evictedKeys = sum(\.evictedKeys)
        total.keyCount = sum(\.keyCount)
        return total
    }
}

extension GlobPattern {
    /// The slot of every key that matches a pattern: if what stands before the first special character has a whole `{tag}`. nil if they may have several.
    static func slot(of pattern: [UInt8]) -> HashSlot? {
        let literal = Array(pattern.prefix { !Self.isSpecial($0) })
        guard literal.count < pattern.count else { return HashSlot(of: literal.span) }
        guard let open = literal.firstIndex(of: UInt8(ascii: "{")), let close = literal[open...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        else { return nil }
        return HashSlot(of: literal.span)
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "\\")].contains(byte)
    }
}
