package import NIOCore
package import RESP

/// A connection as any task may use it: a hop to its event loop, the command, and a hop back. For the control plane; the data plane is on the loop
/// already.
package struct RedisCommandSender: Sendable {
    package let eventLoop: any EventLoop
    private let connection: NIOLoopBound<RedisConnection>

    /// Must be made on the connection's event loop.
    package init(_ connection: RedisConnection) {
        self.eventLoop = connection.eventLoop
        self.connection = NIOLoopBound(connection, eventLoop: connection.eventLoop)
    }

    /// Sends one command and waits for its reply, at most for the connection's command deadline; cancellation of the task does not shorten that.
    /// The connection's event loop must not be shut down meanwhile.
    package func send(_ command: [RESPArgument]) async throws(RedisFailure) -> RESPValue {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<RESPValue, RedisFailure>, Never>) in
            self.eventLoop.execute {
                self.connection.value.send(command, token: 0, receiver: RedisContinuation(continuation))
            }
        }
        return try result.get()
    }
}

extension RedisConnection {
    /// This connection for tasks that do not run on its event loop.
    package var sender: RedisCommandSender { RedisCommandSender(self) }
}
