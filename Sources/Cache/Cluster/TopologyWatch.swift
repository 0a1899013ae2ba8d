import Logging
import NIOCore
import RedisClient
import Synchronization

/// Keeps the view of a cluster up to date, and runs the recovery of each shard.
///
/// `TopologyRefresh` decides which node is asked when and what is believed; this performs it. A single Redis has one shard, and is not asked.
package struct TopologyWatch: Sendable {
    private static let maximumReplicasAsked = 8

    private let directory: ShardDirectory
    private let connector: any ShardConnector
    private let seedControl: RedisControl
    private let clientName: String

    /// - Parameter clientName: what the connections of this process, and no others, call themselves.
    package init(_ directory: ShardDirectory, _ connector: any ShardConnector, clientName: String) {
        self.directory = directory
        self.connector = connector
        self.seedControl = connector.control(at: directory.seeds[0])
        self.clientName = clientName
    }

    /// Works until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            var timer: Task<Void, Never>?
            for await event in self.directory.events {
                switch event {
                case .begun(let shard):
                    guard let recovery = self.recovery(of: shard) else { continue }
                    group.addTask { await recovery.run() }
                case .triggered:
                    self.directory.state.withLock { $0.isSignalled = false }
                    guard self.directory.isCluster else { continue }
                    await self.refreshIfDue()
                    self.directory.triggerIfUncovered()
                    timer?.cancel()
                    timer = self.timer()
                }
            }
            timer?.cancel()
        }
        await self.seedControl.shutDown()
    }

    private func timer() -> Task<Void, Never> {
        let pause = self.directory.state.withLock { $0.refresh.wakeUp } - .now()
        return Task {
            guard (try? await Task.sleep(for: .nanoseconds(max(0, pause.nanoseconds)))) != nil else { return }
            self.directory.timerFired()
        }
    }

    private func recovery(of shard: Int) -> OutageRecovery? {
        guard let connections = self.directory.connections(of: shard) else { return nil }
        let peer = ShardRecoveryPeer(self.directory, shard, connections, clientName: self.clientName, discover: self.discover)
        return OutageRecovery(gate: self.directory.gate, shard: shard, peer: peer)
    }

    /// The first Redis that was reached is a node of a cluster.
    @Sendable private func discover() async throws(RedisFailure) {
        self.directory.becameCluster()
        await self.refreshIfDue()
        self.directory.timerFired()
        guard self.directory.state.withLock({ $0.refresh.view != nil }) else { throw .notConnected }
    }

    /// Asks one node after another until one is believed, if the time has come.
    private func refreshIfDue() async {
        var action = self.step { $0.timerFired(reachable: $1, now: $2, random: $3) }
        if case .ask = action { self.directory.state.withLock { $0.refreshes += 1 } }
        while case .ask(let source) = action, !Task.isCancelled {
            let (view, asked) = await self.ask(source)
            if let view {
                action = self.step { $0.answered(view, reachable: $1, now: $2, random: $3) }
                if case .ask = action { self.directory.state.withLock { $0.refusedViews += 1 } }
            } else {
                action = self.step { $0.failed(reachable: $1, now: $2, random: $3) }
            }
            guard case .adopt(let adopted, _) = action else { continue }
            return await self.directory.adopt(adopted, askedAt: asked, self.connector)
        }
    }

    private func step(
        _ body: (inout TopologyRefresh, [String], NIODeadline, Double) -> TopologyRefresh.Action
    ) -> TopologyRefresh.Action {
        self.directory.state.withLock { state in
            let reachable = state.map.shards.filter { self.directory.gate.isAsked($0) }.compactMap { state.map.nodes[$0]?.identifier }
            return body(&state.refresh, reachable, .now(), Double.random(in: 0..<1))
        }
    }

    private func ask(_ source: TopologyRefresh.Source) async -> (ClusterTopology?, askedAt: RedisEndpoint) {
        switch source {
        case .node(let identifier):
            let node = self.directory.state.withLock { state in
                state.map.shard(of: identifier).flatMap { shard in
                    state.connections[shard].flatMap { connections in state.endpoints[shard].map { (connections.control, $0) } }
                }
            }
            guard let (control, endpoint) = node else { return (nil, self.directory.seeds[0]) }
            return (await self.view(control), endpoint)
        case .seed:
            // Of a cluster whose masters are all gone, a replica may be the one that knows.
            for endpoint in self.directory.seeds + self.directory.replicas.prefix(Self.maximumReplicasAsked) {
                await self.seedControl.move(to: endpoint)
                _ = await self.seedControl.disconnect()
                if let view = await self.view(self.seedControl) {
                    // Names are resolved anew, and nobody keeps a connection to a node that is asked so seldom.
                    _ = await self.seedControl.disconnect()
                    return (view, endpoint)
                }
            }
            return (nil, self.directory.seeds[0])
        }
    }

    /// A node that answers, but not as it should, is worth a line in the log: nothing else would say why memory answers.
    private func view(_ control: RedisControl) async -> ClusterTopology? {
        do {
            return try await control.clusterView()
        } catch {
            if error.code == .serverError || error.code == .protocolViolation, self.directory.isNews(error) {
                self.directory.gate.logger.warning(
                    "a node of the cluster does not say who has which slots",
                    metadata: ["redis.failure": "\(error)", "redis.message": "\(error.logMessage ?? "")"])
            }
            return nil
        }
    }
}
