package import RedisClient

/// What the process knows of the nodes of a cluster, as the event loops need it when a node sends them elsewhere. Nothing here waits: what takes time is
/// begun and comes later.
package protocol ClusterDirectory: AnyObject, Sendable {
    /// The shard whose node has an address.
    /// - Parameter asked: the shard whose node has named the address: its host is meant where the address has none.
    /// - Returns: nil if there is none that is known.
    func shard(at address: ClusterAddress, asked: Int) -> Int?

    /// A node says that a slot is another shard's now. The table has it when this returns, unless something newer is known.
    func moved(_ slot: UInt16, to shard: Int)

    /// A node has named an address that is not known.
    func unknown(_ address: ClusterAddress)

    /// A node says that none serves a slot.
    func uncovered(_ slot: UInt16)

    /// The node of a shard says that the cluster is down.
    func clusterDown(_ shard: Int)
}

/// Takes what the node of a shard did not do because another one should. Called on the event loop of the store.
protocol RedirectHandler: AnyObject {
    /// An operation was not carried out, or a read only in part. From now on it is the handler's to be answered.
    func redirected(_ operation: InFlightOperation, _ redirect: RedisRedirect, _ failure: RedisFailure, by store: RedisStore)

    /// The sign of life of a store's connection was asked for in a slot that another node serves.
    /// - Returns: whether the node has named itself, so that its connection is of no use.
    func signOfLifeRedirected(_ redirect: RedisRedirect, by store: RedisStore) -> Bool

    /// No node serves a slot.
    func unserved(_ slot: UInt16)

    /// The node of a shard says that the cluster is down.
    func clusterDown(_ shard: Int)
}
