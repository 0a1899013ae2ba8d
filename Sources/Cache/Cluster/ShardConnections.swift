package import NIOCore
package import RedisClient

/// The connections of this process to the node of one shard: one for long calls, and one for each event loop.
package struct ShardConnections: Sendable {
    package let control: RedisControl
    package let stores: [(eventLoop: any EventLoop, store: NIOLoopBound<RedisStore>)]

    package init(control: RedisControl, stores: [(eventLoop: any EventLoop, store: NIOLoopBound<RedisStore>)]) {
        self.control = control
        self.stores = stores
    }

    /// The shard has another address: the next connections go there. Calls under way fail, so that nobody waits for the old one.
    func move(to endpoint: RedisEndpoint) async {
        for (eventLoop, store) in self.stores {
            // It fails only if the event loop has ended.
            try? await eventLoop.submit { store.value.move(to: endpoint) }.get()
        }
        await self.control.move(to: endpoint)
    }
}

/// Makes the connections of shards. They connect when the recovery of the shard says so.
package protocol ShardConnector: Sendable {
    /// Gives each event loop a store for a shard.
    func connections(of shard: Int, at endpoint: RedisEndpoint) async -> ShardConnections
    /// A connection for long calls that belongs to no shard.
    func control(at endpoint: RedisEndpoint) -> RedisControl
}
