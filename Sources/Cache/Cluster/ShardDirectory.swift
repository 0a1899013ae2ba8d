import MemoryStore
import NIOCore
package import RedisClient
import Synchronization

/// What the process knows of the nodes of a cluster: which node serves which shard, where it is, and the connections to it. A single Redis is a cluster of
/// one shard of which nobody asks for the slots.
///
/// Event loops tell what nodes say when they send a command elsewhere; `TopologyWatch` asks nodes who owns what. Either way the slots change hands here:
/// the map, then the table and the journal of the outage gate, all under this lock. Lock order: this one, then that of the gate.
package final class ShardDirectory: ClusterDirectory {
    struct State: ~Copyable {
        var map: ShardMap
        var refresh: TopologyRefresh
        /// By shard.
        var endpoints: [Int: RedisEndpoint]
        var connections: [Int: ShardConnections]
        /// Whether the watch has been told of a trigger that it has not looked at.
        var isSignalled = false
        /// How often which trigger has asked for a refresh.
        var triggers: [TopologyRefresh.Trigger: Int] = [:]
        var refreshes = 0
        var refusedViews = 0
        /// What the log has said of views that could not be read.
        var knownFailures: Set<RedisFailure> = []
        /// The seed that was tried last.
        var seed = 0
    }

    /// What `TopologyWatch` has to look at.
    enum Event {
        /// There is a trigger.
        case triggered
        /// A shard has been given connections, and its recovery is to be run.
        case begun(Int)
    }

    private static let maximumKnownFailures = 8

    let gate: OutageGate
    let seeds: [RedisEndpoint]
    let mode: RedisClusterMode
    let state: Mutex<State>
    let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation

    /// - Parameters:
    ///   - gate: its `maximumShards` is the bound of the shards here.
    ///   - seeds: addresses of nodes that the settings name; the first is that of shard 0 until more is known.
    package init(gate: OutageGate, seeds: [RedisEndpoint], mode: RedisClusterMode) {
        self.gate = gate
        self.seeds = seeds
        self.mode = mode
        var pace = TopologyRefresh.Pace()
        // A shard that is away is back at most this long after a replica has taken over.
        pace.minimumPause = .milliseconds(500)
        pace.maximumPause = .seconds(1)
        self.state = Mutex(
            State(
                map: ShardMap(maximumShards: gate.shards.count), refresh: TopologyRefresh(pace: pace, now: .now()), endpoints: [0: seeds[0]],
                connections: [:]))
        (self.events, self.continuation) = AsyncStream.makeStream()
    }

    /// Gives a shard its connections, before its recovery runs.
    package func add(_ connections: ShardConnections, to shard: Int) {
        self.state.withLock { $0.connections[shard] = connections }
        self.continuation.yield(.begun(shard))
    }

    /// Whether Redis is a cluster, as far as is known.
    package var isCluster: Bool { self.gate.table.isCluster }

    package func connections(of shard: Int) -> ShardConnections? { self.state.withLock { $0.connections[shard] } }

    package func endpoint(of shard: Int) -> RedisEndpoint? { self.state.withLock { $0.endpoints[shard] } }

    /// The connections of all shards, by shard.
    package var allConnections: [Int: ShardConnections] { self.state.withLock { $0.connections } }

    /// How the topology is kept up.
    package var report: TopologyReport {
        let slots = self.gate.slotCounts
        return self.state.withLock { state in
            TopologyReport(
                nodes: state.map.shards.count, uncoveredSlots: state.map.uncoveredShard.map { $0 < slots.count ? slots[$0] : 0 } ?? 0,
                refreshes: state.refreshes, refusedViews: state.refusedViews, triggers: state.triggers)
        }
    }

    /// The shard of the slots that no node serves; nil if there have been none.
    package var uncoveredShard: Int? { self.state.withLock { $0.map.uncoveredShard } }

    /// Whether the log has not said that a view cannot be read for this reason.
    func isNews(_ failure: RedisFailure) -> Bool {
        // A server makes its prefixes up as it likes.
        self.state.withLock { $0.knownFailures.count < Self.maximumKnownFailures && $0.knownFailures.insert(failure).inserted }
    }

    /// Where replicas were when nodes were asked last.
    var replicas: [RedisEndpoint] {
        self.state.withLock { state in
            let asked = state.endpoints[0] ?? self.seeds[0]
            return (state.refresh.view?.replicas ?? []).compactMap { $0.endpoint(askedAt: asked) }.shuffled()
        }
    }

    /// The seed to be tried after the one that was tried last; nil if there is only one.
    func nextSeed() -> RedisEndpoint? {
        guard self.seeds.count > 1 else { return nil }
        return self.state.withLock { state in
            state.seed = (state.seed + 1) % self.seeds.count
            state.endpoints[0] = self.seeds[state.seed]
            return self.seeds[state.seed]
        }
    }

    /// Asks the nodes of shards side by side.
    /// - Returns: what each has answered, by shard.
    func ask<Value: Sendable>(
        _ shards: some Sequence<Int>, _ question: @escaping @Sendable (RedisControl) async throws(RedisFailure) -> Value
    ) async -> [Int: Result<Value, RedisFailure>] {
        await withTaskGroup(of: (Int, Result<Value, RedisFailure>).self) { group in
            for shard in shards {
                let control = self.connections(of: shard)?.control
                group.addTask {
                    guard let control else { return (shard, .failure(.notConnected)) }
                    do throws(RedisFailure) {
                        return (shard, .success(try await question(control)))
                    } catch {
                        return (shard, .failure(error))
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    // MARK: What event loops tell

    package func shard(at address: ClusterAddress, asked: Int) -> Int? {
        self.state.withLock { state in
            guard let origin = state.endpoints[asked], let endpoint = address.endpoint(askedAt: origin) else { return nil }
            // The shard that was asked first: of two with one address, the other is out of date.
            if origin == endpoint { return asked }
            return state.map.shards.first { state.endpoints[$0] == endpoint }
        }
    }

    package func moved(_ slot: UInt16, to shard: Int) {
        self.state.withLock { state in
            state.map.move(slot, to: shard)
            self.gate.move(CollectionOfOne(slot), to: shard)
        }
        self.triggered(.moved)
    }

    package func unknown(_ address: ClusterAddress) { self.triggered(.unknownAddress) }

    package func uncovered(_ slot: UInt16) {
        let shard = self.state.withLock { state -> Int? in
            guard let shard = state.map.uncover(slot), self.grow(to: shard) else { return nil }
            self.gate.move(CollectionOfOne(slot), to: shard)
            return shard
        }
        guard shard != nil else { return }
        self.triggered(.uncoveredSlot)
    }

    package func clusterDown(_ shard: Int) { self.triggered(.clusterDown) }

    /// Something says that the view of the cluster may be out of date.
    func triggered(_ trigger: TopologyRefresh.Trigger) {
        let isNew = self.state.withLock { state -> Bool in
            state.triggers[trigger, default: 0] += 1
            state.refresh.triggered(trigger, now: .now(), random: Double.random(in: 0..<1))
            defer { state.isSignalled = true }
            return !state.isSignalled
        }
        if isNew { self.continuation.yield(.triggered) }
    }

    /// Slots that no node serves are asked for again and again: nobody would say that they are back.
    func triggerIfUncovered() {
        guard let shard = self.uncoveredShard, shard < self.gate.shardCount, self.gate.slotCounts[shard] > 0 else { return }
        self.state.withLock { $0.refresh.triggered(.uncoveredSlot, now: .now(), random: Double.random(in: 0..<1)) }
    }

    /// The time for a refresh has come, or may have.
    func timerFired() { self.continuation.yield(.triggered) }

    /// The gate has a machine for each shard up to this one.
    private func grow(to shard: Int) -> Bool {
        while self.gate.shardCount <= shard { guard self.gate.addShard() != nil else { return false } }
        return true
    }

    // MARK: What a node has said

    /// The slots change hands as a view says that was believed.
    /// - Parameters:
    ///   - asked: where it comes from.
    ///   - connector: makes the connections of shards that are new.
    func adopt(_ view: ClusterTopology, askedAt asked: RedisEndpoint, _ connector: any ShardConnector) async {
        var changes = self.state.withLock { state in
            let changes = state.map.adopt(view)
            for (shard, node) in changes.begun.merging(changes.moved, uniquingKeysWith: { first, _ in first }) {
                state.endpoints[shard] = node.address.endpoint(askedAt: asked)
            }
            // Slots go to shards that the gate knows; those of new ones wait there until they are connected.
            for shard in changes.slots.keys.sorted() where self.grow(to: shard) { self.gate.move(changes.slots[shard] ?? [], to: shard) }
            return changes
        }
        for shard in changes.begun.keys.sorted() {
            guard let endpoint = self.endpoint(of: shard) else { continue }
            if let connections = self.connections(of: shard) {
                await connections.move(to: endpoint)
            } else {
                self.add(await connector.connections(of: shard, at: endpoint), to: shard)
            }
            self.gate.activate(shard)
        }
        for shard in changes.moved.keys {
            guard let endpoint = self.endpoint(of: shard), let connections = self.connections(of: shard) else { continue }
            await connections.move(to: endpoint)
            self.gate.failedOver(shard)
            // Whoever waits for the node that was, waits in vain. What it called the connection does not matter: it serves nothing any more.
            _ = await connections.control.disconnect()
        }
        // A slot may have come back meanwhile.
        let counts = self.gate.slotCounts
        changes.retired.removeAll { counts[$0] > 0 }
        for shard in changes.retired { self.gate.retire(shard) }
    }

    /// Redis says that it is a cluster. Until then every key was in slot 0 of shard 0.
    func becameCluster() { self.gate.becameCluster() }
}

/// How the topology of a cluster is kept up.
package struct TopologyReport: Sendable {
    /// Masters that serve slots.
    package var nodes: Int
    /// Slots that no node serves.
    package var uncoveredSlots: Int
    /// Times that nodes have been asked.
    package var refreshes: Int
    /// Answers that were a step back.
    package var refusedViews: Int
    /// What has asked for a refresh before its time.
    package var triggers: [TopologyRefresh.Trigger: Int]
}
