import NIOCore
import RESP
import RedisClient

/// The node of a shard, whichever it is at the moment, for the recovery of the shard. A single Redis is the node of its only shard.
struct ShardRecoveryPeer: RecoveryPeer {
    private let directory: ShardDirectory
    private let shard: Int
    private let connections: ShardConnections
    private let node: RedisRecoveryPeer
    private let discover: @Sendable () async throws(RedisFailure) -> Void

    /// - Parameter discover: asks who owns what, when the first Redis that answers is a node of a cluster.
    init(
        _ directory: ShardDirectory, _ shard: Int, _ connections: ShardConnections, clientName: String,
        discover: @escaping @Sendable () async throws(RedisFailure) -> Void
    ) {
        self.directory = directory
        self.shard = shard
        self.connections = connections
        self.node = RedisRecoveryPeer(control: connections.control, eventLoops: connections.stores, clientName: clientName)
        self.discover = discover
    }

    private var isCluster: Bool { self.directory.isCluster }

    func endConnections() async -> [Int64] { await self.node.endConnections() }
    func sleep(for time: TimeAmount) async { await self.node.sleep(for: time) }

    /// Who serves the shard comes first: what was its node may be gone for good.
    func ping() async throws(RedisFailure) {
        if self.isCluster {
            self.directory.triggered(.recovery)
            return try await self.node.ping()
        }
        do {
            try await self.node.ping()
        } catch {
            await self.tryNextSeed()
            throw error
        }
        let isNode = await self.connections.control.session?.isCluster ?? false
        switch self.directory.mode {
        case .off: break
        case .on where !isNode: throw RedisFailure(.unexpectedReply, "REDIS_CLUSTER=on, and the server is no node of a cluster")
        case .auto where !isNode: break
        case .on, .auto:
            try await self.discover()
            try await self.node.ping()
        }
    }

    private func tryNextSeed() async {
        guard let endpoint = self.directory.nextSeed() else { return }
        await self.connections.move(to: endpoint)
        _ = await self.connections.control.disconnect()
    }

    func fence(_ identifiers: [Int64]) async throws(RedisFailure) -> Bool { try await self.node.fence(identifiers) }
    func serverIdentifier() async throws(RedisFailure) -> String? { try await self.node.serverIdentifier() }

    /// Of the shard, and of those that have no slots any more: theirs may be this one's now.
    func takeRecentWrites() async -> [[UInt8]]? {
        var all = await self.node.takeRecentWrites()
        guard self.isCluster else { return all }
        let counts = self.directory.gate.slotCounts
        for (other, connections) in self.directory.allConnections where other < counts.count && counts[other] == 0 {
            let peer = RedisRecoveryPeer(control: connections.control, eventLoops: connections.stores, clientName: "")
            if let keys = await peer.takeRecentWrites() { all?.append(contentsOf: keys) } else { all = nil }
        }
        return all
    }

    /// Nothing but a command with a key of an owned slot tells whether a node of a cluster serves.
    func verifyWrites() async throws(RedisFailure) {
        guard self.isCluster else { return try await self.node.verifyWrites() }
        let table = self.directory.gate.table
        guard let key = HashSlot.probeKey(prefix: self.node.probeKey, ownedBy: { table.shard(of: $0.index) == self.shard }) else {
            throw RedisFailure(.notConnected, "the shard has no slots")
        }
        do {
            try await self.connections.control.verify(probeKey: key)
        } catch {
            if error.redirect != nil { self.directory.triggered(.moved) }
            throw error
        }
    }

    func connectEventLoops() async throws(RedisFailure) { try await self.node.connectEventLoops() }

    func deleteAllStrings() async throws(RedisFailure) -> Bool {
        guard self.isCluster else { return try await self.node.deleteAllStrings() }
        return try await self.finish(try await self.connections.control.removeAllStrings(keyByKey: true))
    }

    func deleteKeys(matching pattern: [UInt8]) async throws(RedisFailure) -> Bool {
        guard self.isCluster else { return try await self.node.deleteKeys(matching: pattern) }
        // Keys that are on their way to or from this shard are deleted, too; what another one does not let go is remembered for it.
        let outcome = await ClusterWalk(self.directory, pattern, [self.shard]).run()
        if let failure = outcome.failures[self.shard] { throw failure }
        for (other, failure) in outcome.failures { self.directory.gate.invalidateInstead(pattern, .failure(failure), shard: other) }
        return outcome.deletion.refused > 0
    }

    /// Deletes what another node has by now.
    private func finish(_ deletion: RedisControl.Deletion) async throws(RedisFailure) -> Bool {
        guard !deletion.redirected.isEmpty else { return deletion.refused > 0 }
        let rest = try await KeyCommands(directory: self.directory).delete(deletion.redirected.map(\.key), at: self.shard)
        if let failure = rest.left.values.first { throw failure }
        return deletion.refused > 0 || !rest.refused.isEmpty
    }

    func deleteKeys(_ keys: [[UInt8]]) async throws(RedisFailure) -> Set<Int> {
        guard self.isCluster else { return try await self.node.deleteKeys(keys) }
        let deletion = try await KeyCommands(directory: self.directory).delete(keys, at: self.shard)
        let table = self.directory.gate.table
        // What nobody serves is another shard's business from now on, and its record with it.
        for (index, failure) in deletion.left where failure.isAboutTheSlot { self.directory.uncovered(table.slot(of: keys[index])) }
        if let failure = deletion.left.values.first(where: { $0.redirect != nil }) { throw failure }
        return deletion.refused
    }

    func write(_ commands: [[RESPArgument]]) async -> [Result<RESPValue, RedisFailure>] {
        guard self.isCluster else { return await self.node.write(commands) }
        let keyed = commands.map { KeyCommands.Command(key: $0.count > 1 ? Array($0[1].bytes.readableBytesView) : [], arguments: $0) }
        return await KeyCommands(directory: self.directory).perform(keyed, at: self.shard)
    }
}
