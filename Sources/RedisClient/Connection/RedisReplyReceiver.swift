package import RESP

/// Takes the replies to commands. One receiver may wait for many replies: the token, which it chooses, tells them apart.
package protocol RedisReplyReceiver: AnyObject {
    /// Called exactly once for each command that was accepted, on the connection's event loop, after the call that sent the command has returned.
    /// Replies to commands with the same token come in the order of the commands.
    ///
    /// An error reply is a `.failure` with the code `.serverError`; a null reply is `.success(.null)`. The buffers of the value are slices of what
    /// was read: copy what outlives the call.
    func redisReplied(_ result: Result<RESPValue, RedisFailure>, token: UInt64)

    /// A command that was answered with `.deadlineExceeded` has been carried out or refused after all: what it may have done, it has done. Not called
    /// for commands whose connection ended first.
    func redisRepliedLate(token: UInt64)
}

extension RedisReplyReceiver {
    package func redisRepliedLate(token: UInt64) {}
}

/// The owner of a connection, which is notified of what becomes of it. Called on its event loop.
package protocol RedisConnectionDelegate: AnyObject {
    /// The handshake is done: commands are accepted from now on.
    func redisConnectionReady()
    /// The connection was lost, or an attempt to make one failed. Called before the commands that die with the connection are answered, so that
    /// what depended on the connection can be dropped first.
    func redisConnectionLost(_ failure: RedisFailure)
    /// A push of RESP3, in its place in the order of the replies.
    func redisPushed(_ elements: [RESPValue])
}

extension RedisConnectionDelegate {
    package func redisPushed(_ elements: [RESPValue]) {}
}
