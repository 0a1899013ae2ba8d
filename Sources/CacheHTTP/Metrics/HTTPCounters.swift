import Synchronization

/// Counts of the HTTP side, of one event loop or of the router, readable from any thread.
package final class HTTPCounters: Sendable {
    /// Room for every handler and status.
    private let answers = InlineArray<48, Atomic<Int>> { _ in Atomic(0) }
    private let openConnections = Atomic<Int>(0)
    private let acceptedConnections = Atomic<Int>(0)
    private let inFlight = Atomic<Int>(0)
    private let receivedBytes = Atomic<Int>(0)
    private let sentBytes = Atomic<Int>(0)
    private let readPauses = Atomic<Int>(0)
    private let isRecording: Bool

    /// - Parameter isRecording: whether anything but connections is counted.
    package init(isRecording: Bool = true) {
        self.isRecording = isRecording
    }

    /// Counts an answer.
    func record(_ status: AnswerStatus, by handler: RequestHandlerKind) {
        guard self.isRecording else { return }
        self.answers[HTTPCounts.index(handler, status)].add(1, ordering: .relaxed)
    }

    func recordConnection(opened: Bool) {
        self.openConnections.add(opened ? 1 : -1, ordering: .relaxed)
        if opened { self.acceptedConnections.add(1, ordering: .relaxed) }
    }

    /// Counts a request that waits for a store or in the router.
    func recordInFlight(began: Bool) {
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

    /// Counts a connection that is not read for a while.
    func recordReadPause() {
        guard self.isRecording else { return }
        self.readPauses.add(1, ordering: .relaxed)
    }

    /// The counts now. Each is exact; two of them may be read a moment apart.
    var snapshot: HTTPCounts {
        HTTPCounts(
            answers: self.answers.indices.map { self.answers[$0].load(ordering: .relaxed) },
            openConnections: self.openConnections.load(ordering: .relaxed),
            acceptedConnections: self.acceptedConnections.load(ordering: .relaxed),
            inFlight: self.inFlight.load(ordering: .relaxed),
            receivedBytes: self.receivedBytes.load(ordering: .relaxed),
            sentBytes: self.sentBytes.load(ordering: .relaxed),
            readPauses: self.readPauses.load(ordering: .relaxed)
        )
    }
}
