package import CacheAPI
import NIOCore
import Synchronization

/// Counts connections, requests and bytes over the whole process, and enforces their limits.
package final class Limiter: Sendable {
    private let limits: ServiceLimits
    private let connections = Atomic<Int>(0)
    private let routerRequests = Atomic<Int>(0)
    private let invalidations = Atomic<Int>(0)
    private let peers = Mutex<[String: Int]>([:])
    private let probes = Atomic<Int>(0)
    private let batchOperations = Atomic<Int>(0)
    private let streams = Atomic<Int>(0)
    private let leaseWaiters = Atomic<Int>(0)
    private let unsentBytes = Atomic<Int>(0)
    private let receivedBytes = Atomic<Int>(0)
    private let peakBytes = Atomic<Int>(0)
    private let refusals = InlineArray<13, Atomic<Int>> { _ in Atomic(0) }

    package init(_ limits: ServiceLimits) {
        self.limits = limits
    }

    /// Refusals at a bound so far.
    package func refusals(_ kind: LimitKind) -> Int { self.refusals[kind.rawValue].load(ordering: .relaxed) }

    /// Counts a refusal.
    package func recordRefusal(_ kind: LimitKind) { self.refusals[kind.rawValue].add(1, ordering: .relaxed) }

    /// Counts a refusal, and returns its answer.
    func refuse(_ kind: LimitKind) -> Answer {
        self.recordRefusal(kind)
        return Answer.overloaded(kind)
    }

    // MARK: Connections

    /// Admits a connection, or returns the limit that keeps it out. Either way `release` must follow when it ends.
    func admit(connectionFrom peer: String?) -> LimitKind? {
        let isTooMany = self.connections.add(1, ordering: .relaxed).newValue > self.limits.maximumConnections
        self.peakBytes.max(self.heldBytes, ordering: .relaxed)
        let isTooManyOfPeer = self.add(1, to: peer) > self.limits.maximumConnectionsPerPeer && self.limits.maximumConnectionsPerPeer > 0
        return isTooMany ? .connections : isTooManyOfPeer ? .connectionsOfPeer : nil
    }

    /// Releases the place of a connection.
    func release(connectionFrom peer: String?) {
        self.connections.subtract(1, ordering: .relaxed)
        _ = self.add(-1, to: peer)
    }

    /// The address of a peer if peers are counted; nil if they are not, or it has none.
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

    /// Whether a connection over the limit may send a probe.
    var hasRoomForProbes: Bool {
        self.connections.load(ordering: .relaxed) <= self.limits.maximumConnections + self.limits.maximumProbes
    }

    // MARK: Requests

    /// Admits a request of the router. If it does, `releaseRequest` must follow.
    /// - Parameter isProbe: probes have places of their own.
    package func admitRequest(isProbe: Bool) -> Bool {
        isProbe
            ? self.take(self.probes, self.limits.maximumProbes, .probes)
            : self.take(self.routerRequests, self.limits.maximumRequestsInFlight, .requestsInFlight)
    }

    package func releaseRequest(isProbe: Bool) {
        if isProbe { self.probes.subtract(1, ordering: .relaxed) } else { self.routerRequests.subtract(1, ordering: .relaxed) }
    }

    /// Whether a batch of so many operations may wait for Redis besides those that do. One that is alone may.
    package func hasRoom(forBatchOf operationCount: Int) -> Bool {
        let waiting = self.batchOperations.load(ordering: .relaxed)
        return waiting == 0 || waiting + operationCount <= Self.batchOperationsPerRequest * self.limits.maximumRequestsInFlight
    }

    /// So many more operations of batches wait for Redis, or fewer if it is negative.
    package func batchWaits(operations count: Int) { self.batchOperations.add(count, ordering: .relaxed) }

    /// Operations of batches have a bound of their own, so that a few batches do not keep all other requests out.
    private static let batchOperationsPerRequest = 4

    /// Admits a stream of HTTP/2 that the router is to answer, before anything is made for it. If it does, `releaseStream` must follow.
    /// - Parameter isProbe: probes are always admitted; `admitRequest` bounds them.
    /// - Parameter isOpen: its body is still to come. Such streams get half of the places, so that clients who only promise cannot take all.
    func admitStream(isProbe: Bool, isOpen: Bool) -> Bool {
        let maximum = self.limits.maximumRequestsInFlight / (isOpen ? 2 : 1)
        let isAdmitted = self.streams.add(1, ordering: .relaxed).newValue <= maximum || isProbe
        if !isAdmitted { self.releaseStream() }
        return isAdmitted
    }

    func releaseStream() { self.streams.subtract(1, ordering: .relaxed) }

    /// Admits an invalidation. If it does, `releaseInvalidation` must follow.
    package func admitInvalidation() -> Bool { self.take(self.invalidations, self.limits.maximumInvalidations, .invalidations) }

    package func releaseInvalidation() { self.invalidations.subtract(1, ordering: .relaxed) }

    // MARK: Waiting for values

    /// Admits a request of the router that waits for a value which somebody else computes. While it waits it does not count among the requests of the
    /// router. If it is admitted, `endWaiting` must follow.
    /// - Parameter isStream: it has come over HTTP/2, and does not count among the streams of the router either.
    package func beginWaiting(isStream: Bool) -> Bool {
        guard self.take(self.leaseWaiters, self.limits.maximumLeaseWaiters, .leaseWaiters) else { return false }
        self.routerRequests.subtract(1, ordering: .relaxed)
        if isStream { self.streams.subtract(1, ordering: .relaxed) }
        return true
    }

    package func endWaiting(isStream: Bool) {
        self.leaseWaiters.subtract(1, ordering: .relaxed)
        self.routerRequests.add(1, ordering: .relaxed)
        if isStream { self.streams.add(1, ordering: .relaxed) }
    }

    // MARK: Bytes that wait

    /// Bytes of answers that wait for clients that do not read.
    package var unsentByteCount: Int { self.unsentBytes.load(ordering: .relaxed) }

    /// Bytes of requests that are not complete or not yet used.
    package var receivedByteCount: Int { self.receivedBytes.load(ordering: .relaxed) }

    package var isUnsentFull: Bool { self.unsentByteCount >= self.limits.maximumUnsentBytes }

    var isReceiveFull: Bool { self.receivedByteCount >= self.limits.maximumReceivedBytes }

    package func hasRoomToReceive(_ count: Int) -> Bool { self.receivedByteCount + count <= self.limits.maximumReceivedBytes }

    /// `count` more bytes wait to be read by a client, or fewer if it is negative.
    package func unsent(_ count: Int) { self.change(self.unsentBytes, count) }

    /// `count` more bytes of requests are held, or fewer if it is negative.
    package func receiving(_ count: Int) { self.change(self.receivedBytes, count) }

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

/// The bounds at which requests or connections are refused, as the metrics name them.
package enum LimitKind: Int, Sendable, CaseIterable {
    case connections, connectionsOfPeer, requestsInFlight, invalidations, rate, unsentBytes, receivedBytes, probes
    /// Not refused but ended, to make room for another: see `ConnectionTable`.
    case connectionsEvicted
    /// The same, because their clients did not read while `unsentBytes` was reached.
    case unreadConnections
    /// Streams of HTTP/2 that the router would have had to answer.
    case streams
    /// Not refused but ended: connections of HTTP/2 whose clients flooded the service with frames, or were too slow.
    case http2Abuse
    case leaseWaiters

    package var name: String {
        switch self {
        case .connections: "connections"
        case .connectionsOfPeer: "connections_of_peer"
        case .requestsInFlight: "requests_in_flight"
        case .invalidations: "invalidations"
        case .rate: "rate"
        case .unsentBytes: "unsent_bytes"
        case .receivedBytes: "received_bytes"
        case .probes: "probes"
        case .connectionsEvicted: "connections_evicted"
        case .unreadConnections: "unread_connections_closed"
        case .streams: "http2_streams"
        case .http2Abuse: "http2_abuse"
        case .leaseWaiters: "lease_waiters"
        }
    }
}

/// How much the service serves at once. Beyond it requests are refused, so that those that are admitted are answered in time.
package struct ServiceLimits: Sendable, Hashable {
    /// Connections of clients at once. 1 to 1,000,000.
    package var maximumConnections = 4096
    /// Connections of one address at once; 0 for no bound: behind a front end all clients have its addresses. 0 to 1,000,000.
    package var maximumConnectionsPerPeer = 0
    /// Requests that wait for Redis, and separately requests in the router. 1 to 1,000,000.
    package var maximumRequestsInFlight = 2048
    /// Requests for probes and metrics in the router, which do not count among those. 1 to 10,000.
    package var maximumProbes = 64
    /// Bytes of answers that wait for clients that do not read, over all connections. 1 MiB to 64 GiB.
    package var maximumUnsentBytes = 128 << 20
    /// Bytes of requests that are not complete or not yet used, over all connections. 1 MiB to 64 GiB.
    package var maximumReceivedBytes = 128 << 20
    /// Invalidations that run at once: each walks over all keys. 1 to 1,000.
    package var maximumInvalidations = 4
    /// Requests that wait for a value which somebody else computes. 1 to 1,000,000.
    package var maximumLeaseWaiters = 2048
    /// Fields of a head; beyond it 431. 8 to 1,000.
    package var maximumHeaderFields = 100
    /// The longest target in bytes; beyond it 414. 64 B to 64 KiB (RFC 9112, section 3, recommends at least 8,000).
    package var maximumTargetBytes = 8192

    package init() {}
}

/// The answers at a bound. Each says when to try again.
extension Answer {
    /// Too much at once: RFC 9110, section 15.6.4.
    package static func overloaded(_ kind: LimitKind) -> Answer {
        let detail: StaticString =
            switch kind {
            case .connections, .connectionsOfPeer, .connectionsEvicted: "Too many connections; try again"
            case .requestsInFlight, .probes, .streams, .http2Abuse: "Too many requests at once; try again"
            case .unsentBytes, .unreadConnections: "Too many answers wait to be read; try again"
            case .receivedBytes: "Too many request bodies at once; try again"
            case .invalidations: "Too many invalidations at once; try again"
            case .rate: "Too many requests; try again"
            case .leaseWaiters: "Too many requests wait for a value; try again"
            }
        var answer = Answer(.serviceUnavailable, .detail(detail))
        answer.retryAfterSeconds = 1
        return answer
    }

    /// Too often: RFC 6585, section 4.
    package static func tooOften(retryAfterNanoseconds: Int) -> Answer {
        var answer = Answer(.tooManyRequests, .detail("Too many requests with these credentials; try again"))
        answer.retryAfterSeconds = max(1, (retryAfterNanoseconds + 999_999_999) / 1_000_000_000)
        return answer
    }
}
