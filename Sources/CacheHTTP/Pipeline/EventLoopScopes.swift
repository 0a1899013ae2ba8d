package import NIOCore

/// The scopes of all event loops, found by loop.
package struct EventLoopScopes: Sendable {
    private let scopes: [NIOLoopBound<EventLoopScope>]
    private let eventLoops: [any EventLoop]
    /// The counters of all loops.
    let httpCounters: [HTTPCounters]

    package init(_ scopes: [(eventLoop: any EventLoop, scope: NIOLoopBound<EventLoopScope>, httpCounters: HTTPCounters)]) {
        self.eventLoops = scopes.map(\.eventLoop)
        self.scopes = scopes.map(\.scope)
        self.httpCounters = scopes.map(\.httpCounters)
    }

    /// The scope of `eventLoop`, which must be one of the group's. O(event loops).
    func scope(of eventLoop: any EventLoop) -> NIOLoopBound<EventLoopScope> {
        for (index, candidate) in self.eventLoops.enumerated() where candidate === eventLoop { return self.scopes[index] }
        preconditionFailure("a connection runs on an event loop that has no cache")
    }
}
