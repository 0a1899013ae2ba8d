package import NIOCore

extension Channel {
    /// Whether the client of a connection has closed its side; false for what is no connection of HTTP/1.1. To be asked on the event loop.
    /// - Complexity: O(handlers).
    package var isInputClosed: Bool {
        guard let lane = try? self.pipeline.syncOperations.handler(type: FastLane.self) else { return false }
        return lane.machine.lifetime.isInputClosed
    }
}

/// What the lane does until the first bytes of a connection have told its protocol.
extension FastLane {
    /// The first bytes are held back, because they may begin another protocol. The client owes the rest of them.
    func prefaceBegan() { self.machine.passEnded(buffered: 1, now: EventLoopScope.now()) }

    /// The connection speaks another protocol, whose handler takes over the account. Returns nil if the connection is about to end, or has no place.
    func releaseAccount() -> ConnectionAccount? {
        guard self.account.isOpen, !self.machine.isClosing, !self.machine.isForProbes else { return nil }
        self.scope.connections.remove(self)
        self.channel.close()
        self.machine.inactive()
        return exchange(&self.account, with: ConnectionAccount(self.scope.limiter))
    }
}
