package import NIOCore

/// The scopes of all event loops, found by loop.
package struct EventLoopScopes: Sendable {
    private let scopes: [NIOLoopBound<EventLoopScope>]
    private let eventLoops: [any EventLoop]

    package init(_ scopes: [(any EventLoop, NIOLoopBound<EventLoopScope>)]) {
        self.eventLoops = scopes.map(\.0)
        self.scopes = scopes.map(\.1)
    }

    /// The scope of `eventLoop`, which must be one of the group's. O(event loops).
    func scope(of eventLoop: any EventLoop) -> NIOLoopBound<EventLoopScope> {
        for (index, candidate) in self.eventLoops.enumerated() where candidate === eventLoop { return self.scopes[index] }
        preconditionFailure("a connection runs on an event loop that has no cache")
    }
}
