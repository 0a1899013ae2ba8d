import NIOCore
import Synchronization

/// Counts what the whole process has at once, and says when that is enough.
package final class Limiter: Sendable {
    private let limits: ServiceLimits
    private let connections = Atomic<Int>(0)
    private let routerRequests = Atomic<Int>(0)
    private let invalidations = Atomic<Int>(0)
    private let peers = Mutex<[String: Int]>([:])
    private let probes = Atomic<Int>(0)
    private let unsentBytes = Atomic<Int>(0)
    private let receivedBytes = Atomic<Int>(0)
    private let peakBytes = Atomic<Int>(0)
    private let refusals = InlineArray<10, Atomic<Int>> { _ in Atomic(0) }

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
        self.peakBytes.max(self.heldBytes, ordering: .relaxed)
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

    /// Whether a connection that is one too many may ask how the service is.
    var hasRoomForProbes: Bool {
        self.connections.load(ordering: .relaxed) <= self.limits.maximumConnections + self.limits.maximumProbes
    }

    // MARK: Requests

    /// Takes a request of the router in. `releaseRequest` must follow if it does.
    /// - Parameter isProbe: it asks how the service is; such requests have places of their own.
    func admitRequest(isProbe: Bool) -> Bool {
        isProbe
            ? self.take(self.probes, self.limits.maximumProbes, .probes)
            : self.take(self.routerRequests, self.limits.maximumRequestsInFlight, .requestsInFlight)
    }

    func releaseRequest(isProbe: Bool) {
        if isProbe { self.probes.subtract(1, ordering: .relaxed) } else { self.routerRequests.subtract(1, ordering: .relaxed) }
    }

    /// Takes an invalidation in. `releaseInvalidation` must follow where it does.
    func admitInvalidation() -> Bool { self.take(self.invalidations, self.limits.maximumInvalidations, .invalidations) }

    func releaseInvalidation() { self.invalidations.subtract(1, ordering: .relaxed) }

    // MARK: Bytes that wait

    /// Bytes of answers that wait for clients that do not read.
    var unsentByteCount: Int { self.unsentBytes.load(ordering: .relaxed) }

    /// Bytes of requests that are not complete or not yet used.
    var receivedByteCount: Int { self.receivedBytes.load(ordering: .relaxed) }

    var isUnsentFull: Bool { self.unsentByteCount >= self.limits.maximumUnsentBytes }

    var isReceiveFull: Bool { self.receivedByteCount >= self.limits.maximumReceivedBytes }

    func hasRoomToReceive(_ count: Int) -> Bool { self.receivedByteCount + count <= self.limits.maximumReceivedBytes }

    /// `count` more bytes wait to be read by a client, or fewer if it is negative.
    func unsent(_ count: Int) { self.change(self.unsentBytes, count) }

    /// `count` more bytes of requests are held, or fewer if it is negative.
    func receiving(_ count: Int) { self.change(self.receivedBytes, count) }

    private func change(_ counter: borrowing Atomic<Int>, _ count: Int) {
        guard count != 0 else { return }
        counter.add(count, ordering: .relaxed)
        if count > 0 { self.peakBytes.max(self.heldBytes, ordering: .relaxed) }
    }

    /// Roughly what clients make the process hold: what waits for them, and a read buffer for each.
    private var heldBytes: Int { self.unsentByteCount + self.receivedByteCount + self.connections.load(ordering: .relaxed) * Self.readBufferBytes }

    private static let readBufferBytes = 64 << 10
    private static let notablePeak = 16 << 20

    /// Whether clients made the process hold so much that the allocator keeps memory worth giving back, and little of it is in use now.
    /// Forgets the peak if so.
    package func hasFallenFromPeak() -> Bool {
        let peak = self.peakBytes.load(ordering: .relaxed)
        guard peak >= Self.notablePeak, self.heldBytes < peak / 4 else { return false }
        self.peakBytes.store(0, ordering: .relaxed)
        return true
    }

    private func take(_ counter: borrowing Atomic<Int>, _ maximum: Int, _ kind: LimitKind) -> Bool {
        guard counter.add(1, ordering: .relaxed).newValue > maximum else { return true }
        counter.subtract(1, ordering: .relaxed)
        self.recordRefusal(kind)
        return false
    }
}
