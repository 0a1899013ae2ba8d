/// A reading of the HTTP counters of one event loop, or the sum of several.
struct HTTPCounts: Sendable {
    private var answers: [Int]
    /// Connections of clients that are open now.
    private(set) var openConnections: Int
    /// Connections accepted so far.
    private(set) var acceptedConnections: Int
    /// Requests that wait for a store or in the router now.
    private(set) var inFlight: Int
    private(set) var receivedBytes: Int
    private(set) var sentBytes: Int
    /// Times that a connection was not read for a while.
    private(set) var readPauses: Int

    init(
        answers: [Int], openConnections: Int, acceptedConnections: Int, inFlight: Int, receivedBytes: Int, sentBytes: Int, readPauses: Int
    ) {
        self.answers = answers
        self.openConnections = openConnections
        self.acceptedConnections = acceptedConnections
        self.inFlight = inFlight
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
        self.readPauses = readPauses
    }

    static func index(_ handler: RequestHandlerKind, _ status: AnswerStatus) -> Int { handler.rawValue * 24 + status.ordinal }

    /// Answers with one status.
    func count(_ handler: RequestHandlerKind, _ status: AnswerStatus) -> Int { self.answers[Self.index(handler, status)] }

    /// Answers with a status of 500 or more, but for 501.
    var errors: Int {
        RequestHandlerKind.allCases.reduce(0) { sum, handler in
            AnswerStatus.allCases.reduce(sum) { $1.isFailure ? $0 + self.count(handler, $1) : $0 }
        }
    }

    /// Adds another reading.
    mutating func add(_ other: HTTPCounts) {
        for index in self.answers.indices { self.answers[index] += other.answers[index] }
        self.openConnections += other.openConnections
        self.acceptedConnections += other.acceptedConnections
        self.inFlight += other.inFlight
        self.receivedBytes += other.receivedBytes
        self.sentBytes += other.sentBytes
        self.readPauses += other.readPauses
    }
}
