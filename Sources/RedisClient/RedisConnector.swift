import NIOCore

/// Makes channels; tests make theirs without a socket.
protocol RedisConnector {
    /// The future must be one of `eventLoop`, and the channel must run on it.
    func connect(to endpoint: RedisEndpoint, on eventLoop: any EventLoop, timeout: TimeAmount) -> EventLoopFuture<any Channel>
}
