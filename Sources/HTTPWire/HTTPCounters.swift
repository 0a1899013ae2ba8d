package import CacheAPI
import Synchronization

/// Counts of the HTTP side, of one event loop or of the router, readable from any thread.
package final class HTTPCounters: Sendable {
    /// Room for every handler and status.
    private let answers = InlineArray<48, Atomic<Int>> { _ in Atomic(0) }
    private let openConnections = Atomic<Int>(0)
    private let acceptedConnections = Atomic<Int>(0)
    private let openHTTP2Connections = Atomic<Int>(0)
    private let http2Requests = Atomic<Int>(0)
    private let inFlight = Atomic<Int>(0)
    private let receivedBytes = Atomic<Int>(0)
    private let sentBytes = Atomic<Int>(0)
    private let readPauses = Atomic<Int>(0)
    private let batches = Atomic<Int>(0)
    private let batchOperations = Atomic<Int>(0)
    private let batchValuesTooLarge = Atomic<Int>(0)
    private let isRecording: Bool

    /// - Parameter isRecording: whether anything but connections is counted.
    package init(isRecording: Bool = true) {
        self.isRecording = isRecording
    }

    /// Counts a response.
    package func record(_ status: AnswerStatus, by handler: RequestHandlerKind) {
        guard self.isRecording else { return }
        self.answers[HTTPCountersSnapshot.index(handler, status)].add(1, ordering: .relaxed)
    }

    func recordConnection(opened: Bool) {
        self.openConnections.add(opened ? 1 : -1, ordering: .relaxed)
        if opened { self.acceptedConnections.add(1, ordering: .relaxed) }
    }

    /// Counts a connection that speaks HTTP/2. It counts among all connections, too.
    func recordHTTP2Connection(opened: Bool) { self.openHTTP2Connections.add(opened ? 1 : -1, ordering: .relaxed) }

    /// Counts a request that comes over HTTP/2.
    func recordHTTP2Request() {
        guard self.isRecording else { return }
        self.http2Requests.add(1, ordering: .relaxed)
    }

    /// Counts a request while it waits for a store or in the router.
    package func recordInFlight(began: Bool) {
        guard self.isRecording else { return }
        self.inFlight.add(began ? 1 : -1, ordering: .relaxed)
    }

    func recordReceived(_ byteCount: Int) {
        guard self.isRecording else { return }
        self.receivedBytes.add(byteCount, ordering: .relaxed)
    }

    func recordSent(_ byteCount: Int) {
        guard self.isRecording else { return }
        self.sentBytes.add(byteCount, ordering: .relaxed)
    }

    /// Counts a pause in reading from a connection.
    func recordReadPause() {
        guard self.isRecording else { return }
        self.readPauses.add(1, ordering: .relaxed)
    }

    /// Counts a batch that was carried out.
    package func recordBatch(_ results: BatchResults, operations count: Int) {
        guard self.isRecording else { return }
        self.batches.add(1, ordering: .relaxed)
        self.batchOperations.add(count, ordering: .relaxed)
        if results.tooLargeCount > 0 { self.batchValuesTooLarge.add(results.tooLargeCount, ordering: .relaxed) }
    }

    /// A reading. Each number is exact, but two may be read a moment apart.
    var snapshot: HTTPCountersSnapshot {
        HTTPCountersSnapshot(
            answers: self.answers.indices.map { self.answers[$0].load(ordering: .relaxed) },
            openConnections: self.openConnections.load(ordering: .relaxed),
            acceptedConnections: self.acceptedConnections.load(ordering: .relaxed),
            openHTTP2Connections: self.openHTTP2Connections.load(ordering: .relaxed),
            http2Requests: self.http2Requests.load(ordering: .relaxed),
            inFlight: self.inFlight.load(ordering: .relaxed),
            receivedBytes: self.receivedBytes.load(ordering: .relaxed),
            sentBytes: self.sentBytes.load(ordering: .relaxed),
            readPauses: self.readPauses.load(ordering: .relaxed),
            batches: BatchCounts(
                batches: self.batches.load(ordering: .relaxed), operations: self.batchOperations.load(ordering: .relaxed),
                valuesTooLarge: self.batchValuesTooLarge.load(ordering: .relaxed))
        )
    }
}

/// A reading of the HTTP counters of one event loop, or the sum of several.
package struct HTTPCountersSnapshot: Sendable {
    private var answers: [Int]
    /// Connections of clients that are open now.
    package private(set) var openConnections: Int
    /// Connections accepted so far.
    package private(set) var acceptedConnections: Int
    /// Those of the open connections that speak HTTP/2.
    package private(set) var openHTTP2Connections: Int
    /// Requests that came over HTTP/2 so far.
    package private(set) var http2Requests: Int
    /// Requests that wait for a store or in the router now.
    package private(set) var inFlight: Int
    package private(set) var receivedBytes: Int
    package private(set) var sentBytes: Int
    /// Pauses in reading from connections.
    package private(set) var readPauses: Int
    package private(set) var batches: BatchCounts

    init(
        answers: [Int], openConnections: Int, acceptedConnections: Int, openHTTP2Connections: Int, http2Requests: Int, inFlight: Int,
        receivedBytes: Int, sentBytes: Int, readPauses: Int, batches: BatchCounts
    ) {
        self.batches = batches
        self.answers = answers
        self.openConnections = openConnections
        self.acceptedConnections = acceptedConnections
        self.openHTTP2Connections = openHTTP2Connections
        self.http2Requests = http2Requests
        self.inFlight = inFlight
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
        self.readPauses = readPauses
    }

    static func index(_ handler: RequestHandlerKind, _ status: AnswerStatus) -> Int { handler.rawValue * 24 + status.ordinal }

    /// Responses with one status.
    package func count(_ handler: RequestHandlerKind, _ status: AnswerStatus) -> Int { self.answers[Self.index(handler, status)] }

    /// 5xx responses, excluding 501 (unsupported transfer coding).
    package var errors: Int {
        RequestHandlerKind.allCases.reduce(0) { sum, handler in
            AnswerStatus.allCases.reduce(sum) { $1.isFailure ? $0 + self.count(handler, $1) : $0 }
        }
    }

    /// Adds another reading.
    mutating func add(_ other: HTTPCountersSnapshot) {
        for index in self.answers.indices { self.answers[index] += other.answers[index] }
        self.openConnections += other.openConnections
        self.acceptedConnections += other.acceptedConnections
        self.openHTTP2Connections += other.openHTTP2Connections
        self.http2Requests += other.http2Requests
        self.inFlight += other.inFlight
        self.receivedBytes += other.receivedBytes
        self.sentBytes += other.sentBytes
        self.readPauses += other.readPauses
        self.batches.add(other.batches)
    }
}

/// What was carried out of batches.
package struct BatchCounts: Sendable {
    package private(set) var batches: Int
    /// Their operations.
    package private(set) var operations: Int
    /// Values that were found and had no room in the answer.
    package private(set) var valuesTooLarge: Int

    fileprivate mutating func add(_ other: BatchCounts) {
        self.batches += other.batches
        self.operations += other.operations
        self.valuesTooLarge += other.valuesTooLarge
    }
}

/// The HTTP counters of the whole process: one for each event loop, one for the router.
package struct HTTPCounterSet: Sendable {
    private let eventLoops: [HTTPCounters]
    package let router: HTTPCounters

    package init(eventLoops: [HTTPCounters], router: HTTPCounters) {
        self.eventLoops = eventLoops
        self.router = router
    }

    /// The sum of all.
    package var counts: HTTPCountersSnapshot {
        var counts = self.router.snapshot
        for counters in self.eventLoops { counts.add(counters.snapshot) }
        return counts
    }
}

/// Which code path answered a request, as the metrics name it.
package enum RequestHandlerKind: Int, Sendable, CaseIterable {
    case fastLane, router

    package var name: String {
        switch self {
        case .fastLane: "fast_lane"
        case .router: "router"
        }
    }
}
