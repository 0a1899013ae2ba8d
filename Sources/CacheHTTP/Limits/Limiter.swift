import NIOCore
import Synchronization

/// Counts what the whole process has at once, and says when that is enough.
package final class Limiter: Sendable {
    private let limits: ServiceLimits
    private let connections = Atomic<Int>(0)
    private let routerRequests = Atomic<Int>(0)
    private let invalidations = Atomic<Int>(0)
    private let peers = Mutex<[String: Int]>([:])
    private let refusals = InlineArray<6, Atomic<Int>> { _ in Atomic(0) }

    package init(_ limits: ServiceLimits) {
        self.limits = limits
    }

    /// Refusals at a bound so far.
    func refusals(_ kind: LimitKind) -> Int { self.refusals[kind.rawValue].load(ordering: .relaxed) }

    /// Counts a refusal.
    func recordRefusal(_ kind: LimitKind) { self.refusals[kind.rawValue].add(1, ordering: .relaxed) }

    // MARK: Connections

    /// Takes a connection in, or says which bound keeps it out. Either way `release` must follow when it ends.
    func admit(connectionFrom peer: String?) -> LimitKind? {
        let isTooMany = self.connections.add(1, ordering: .relaxed).newValue > self.limits.maximumConnections
        let isTooManyOfPeer = self.add(1, to: peer) > self.limits.maximumConnectionsPerPeer && self.limits.maximumConnectionsPerPeer > 0
        return isTooMany ? .connections : isTooManyOfPeer ? .connectionsOfPeer : nil
    }

    /// Lets a connection go.
    func release(connectionFrom peer: String?) {
        self.connections.subtract(1, ordering: .relaxed)
        _ = self.add(-1, to: peer)
    }

    /// The address of a peer where they are counted; nil where they are not, or it has none.
    func peer(_ address: SocketAddress?) -> String? {
        self.limits.maximumConnectionsPerPeer > 0 ? address?.ipAddress : nil
    }

    private func add(_ amount: Int, to peer: String?) -> Int {
        guard let peer else { return 0 }
        return self.peers.withLock { peers in
            let count = (peers[peer] ?? 0) + amount
            peers[peer] = count > 0 ? count : nil
            return count
        }
    }

    // MARK: Requests

    /// Takes a request of the router in. `releaseRequest` must follow where it does.
    func admitRequest() -> Bool { self.take(self.routerRequests, self.limits.maximumRequestsInFlight, .requestsInFlight) }

    func releaseRequest() { self.routerRequests.subtract(1, ordering: .relaxed) }

    /// Takes an invalidation in. `releaseInvalidation` must follow where it does.
    func admitInvalidation() -> Bool { self.take(self.invalidations, self.limits.maximumInvalidations, .invalidations) }

    func releaseInvalidation() { self.invalidations.subtract(1, ordering: .relaxed) }

    private func take(_ counter: borrowing Atomic<Int>, _ maximum: Int, _ kind: LimitKind) -> Bool {
        guard counter.add(1, ordering: .relaxed).newValue > maximum else { return true }
        counter.subtract(1, ordering: .relaxed)
        self.recordRefusal(kind)
        return false
    }
}
