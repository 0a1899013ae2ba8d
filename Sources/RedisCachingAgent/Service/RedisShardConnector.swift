import Cache
import GoogleCloud
import Logging
import NIOCore
import RedisClient

/// Makes the connections to the node of a shard, as the settings want them, wherever the node is.
struct RedisShardConnector: ShardConnector {
    let gate: OutageGate
    let configuration: RedisConfiguration
    /// The access token, if it is the password.
    let tokens: AccessTokenSource?
    let group: any EventLoopGroup
    /// The store of each event loop.
    let stores: [(eventLoop: any EventLoop, store: NIOLoopBound<ClusterStore>)]
    let logger: Logger

    func connections(of shard: Int, at endpoint: RedisEndpoint) async -> ShardConnections {
        let configuration = self.configuration(at: endpoint)
        var added: [(eventLoop: any EventLoop, store: NIOLoopBound<RedisStore>)] = []
        for (index, (eventLoop, store)) in self.stores.enumerated() {
            let future = eventLoop.submit {
                NIOLoopBound(self.add(shard, configuration, to: store.value, on: eventLoop, index), eventLoop: eventLoop)
            }
            // It fails only if the event loop has ended, and with it the process.
            guard let shardStore = try? await future.get() else { continue }
            added.append((eventLoop, shardStore))
        }
        return ShardConnections(control: self.control(at: endpoint), stores: added)
    }

    func control(at endpoint: RedisEndpoint) -> RedisControl {
        RedisControl(
            eventLoop: self.group.next(), configuration: self.configuration(at: endpoint), passwordProvider: self.tokens, logger: self.logger)
    }

    private func configuration(at endpoint: RedisEndpoint) -> RedisConfiguration {
        var configuration = self.configuration
        configuration.endpoint = endpoint
        return configuration
    }

    /// Called on the event loop.
    private func add(
        _ shard: Int, _ configuration: RedisConfiguration, to store: ClusterStore, on eventLoop: any EventLoop, _ index: Int
    ) -> RedisStore {
        let connection = RedisConnection(
            eventLoop: eventLoop, configuration: configuration, passwordProvider: self.tokens, logger: self.logger)
        let shardStore = RedisStore(
            connection: connection, gate: self.gate, shard: shard, slots: self.gate.table, eventLoop: index, eventLoopCount: self.stores.count,
            probePrefix: "\(configuration.clientName ?? "cacheagent"):probe", nearCounters: store.nearCounters)
        store.add(shardStore)
        return shardStore
    }
}
