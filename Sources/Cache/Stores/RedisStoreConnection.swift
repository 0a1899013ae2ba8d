package import NIOCore
package import RESP
package import RedisClient

/// A connection to Redis, as `RedisStore` needs it: a `RedisConnection`, or what stands for one in a test. Confined to its event loop.
///
/// A command returns why it is refused, or nil if `receiver` gets its reply later; see `RedisReplyReceiver`.
package protocol RedisStoreConnection: AnyObject {
    var eventLoop: any EventLoop { get }
    var counters: RedisCounters { get }
    var delegate: (any RedisConnectionDelegate)? { get set }
    /// Whether the server says when what was read with `trackedGet` has changed.
    var isTracking: Bool { get }

    /// Whether all commands of a batch are taken, if there is a connection at all, and some room is left for others.
    func hasRoom(for demand: BatchDemand) -> Bool
    func get(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure?
    func trackedGet(
        _ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver, consentReceiver: any RedisReplyReceiver
    ) -> RedisFailure?
    func pttl(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure?
    func set(
        _ key: ByteBuffer, _ value: ByteBuffer, ttlMilliseconds: Int64?, token: UInt64, receiver: any RedisReplyReceiver
    ) -> RedisFailure?
    func unlink(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure?
    func ping(token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure?
    func exists(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure?
    /// The commands of an operation, carried out though the slot is only coming to this node.
    func askingGet(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure?
    func askingPTTL(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure?
    func askingSet(
        _ key: ByteBuffer, _ value: ByteBuffer, ttlMilliseconds: Int64?, token: UInt64, receiver: any RedisReplyReceiver
    ) -> RedisFailure?
    func askingUnlink(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure?
    /// A command with one reply.
    func send(_ command: [RESPArgument], token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure?
    func askingSend(_ command: [RESPArgument], token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure?

    /// Names another address: the next connection goes there.
    func move(to endpoint: RedisEndpoint)
    /// Makes one attempt to connect, unless there is a connection or an attempt already. The delegate hears what came of it.
    func connect()
    /// Ends the connection, or the attempt under way, at once: commands that wait for a reply fail, and the delegate hears nothing.
    func disconnect()
    /// What the server called the connections that ended without every reply since the last call.
    func takeEndedIdentifiers() -> [Int64]
    /// Closes for good, after the replies that are still to come.
    func close() -> EventLoopFuture<Void>
}

extension RedisConnection: RedisStoreConnection {
    package func hasRoom(for demand: BatchDemand) -> Bool {
        self.hasRoom(forBatchOf: demand.commands, byteCount: demand.byteCount)
    }

    package func ping(token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.send(["PING"], token: token, receiver: receiver)
    }

    package func exists(_ key: ByteBuffer, token: UInt64, receiver: any RedisReplyReceiver) -> RedisFailure? {
        self.send(["EXISTS", RESPArgument(key)], token: token, receiver: receiver)
    }
}
