package import RESP

/// Whoever waits for replies. One object may wait for many: the token tells them apart.
package protocol RedisReplyReceiver: AnyObject {
    /// Called exactly once for each command, on the connection's event loop, possibly before the call that sent the command returns (when it is
    /// refused). So whoever answers a refusal with the same command at once recurses.
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
