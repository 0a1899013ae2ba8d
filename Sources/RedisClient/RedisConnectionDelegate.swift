package import RESP

/// Who wants to know about the connection itself. Called on its event loop.
package protocol RedisConnectionDelegate: AnyObject {
    /// The handshake is done: commands are accepted from now on.
    func redisConnectionReady(_ connection: RedisConnection)
    /// The connection was lost, or an attempt to make one failed. Called before the commands that die with the connection are told, so that
    /// what depended on the connection can be dropped first.
    func redisConnectionLost(_ connection: RedisConnection, failure: RedisFailure)
    /// A push of RESP3, in its place in the order of the replies.
    func redisPushed(_ elements: [RESPValue])
}

extension RedisConnectionDelegate {
    package func redisPushed(_ elements: [RESPValue]) {}
}
