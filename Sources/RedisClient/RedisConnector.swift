import NIOCore

/// Makes channels; tests make theirs without a socket.
protocol RedisConnector {
    /// The future must be one of `eventLoop`, and the channel must run on it. It fails with a `RedisFailure`, or another error that means that the
    /// server cannot be reached.
    func connect(_ configuration: RedisConfiguration, on eventLoop: any EventLoop) -> EventLoopFuture<RedisLink>
}
