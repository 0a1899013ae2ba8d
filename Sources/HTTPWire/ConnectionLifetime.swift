/// When a connection should end: a value without clock and without timer.
struct ConnectionLifetime {
    /// What the timer should do.
    enum Verdict: Equatable {
        /// Look again at this time, in nanoseconds of the monotonic clock.
        case waitUntil(Int)
        case close
    }

    /// The service is stopping: the next answer is the last.
    var isDraining = false
    /// The client has closed its side.
    var isInputClosed = false
    /// The codec has written the last answer; the connection ends once it has left.
    var isCloseDue = false
    private var lastActivity = 0
    private var requestBegan: Int?
    private var openedAt: Int?
    /// A whole head has arrived: the client does more than hold a connection open.
    private var isProven = false
    /// When the connection is gone whatever happens.
    private(set) var closesAt: Int?

    /// The connection is open.
    mutating func opened(now: Int) {
        self.openedAt = now
        self.lastActivity = now
    }

    /// Since when the client owes the rest of a request, or its first one; nil if it owes none.
    var owesSince: Int? { self.requestBegan ?? (self.isProven ? nil : self.openedAt) }

    /// Bytes came in.
    mutating func received(now: Int) { self.lastActivity = now }

    /// The client owes the rest of a request. The clock of a request runs until all of it has arrived.
    mutating func owesRequest(now: Int) {
        if self.requestBegan == nil { self.requestBegan = now }
    }

    /// The head of a request has arrived: the client does more than hold a connection open.
    mutating func headArrived() { self.isProven = true }

    /// The client owes nothing: a whole request is there, or none has begun.
    mutating func owesNothing() { self.requestBegan = nil }

    /// An answer went out.
    mutating func sent(now: Int) { self.lastActivity = now }

    /// The connection must be gone at this time at the latest. Returns the earliest such time.
    @discardableResult
    mutating func mustClose(at time: Int) -> Int {
        let earliest = min(self.closesAt ?? time, time)
        self.closesAt = earliest
        return earliest
    }

    /// The last answer is written: the client has until `time` to read it, whatever bound there was before.
    mutating func closes(by time: Int) {
        self.closesAt = time
    }

    /// - Parameters:
    ///   - isBusy: an answer is being made; the connection is not idle then.
    ///   - now, idle, request: nanoseconds.
    func verdict(now: Int, isBusy: Bool, idle: Int, request: Int) -> Verdict {
        var deadline = isBusy ? now + idle : self.lastActivity + idle
        if let began = self.requestBegan, !isBusy { deadline = min(deadline, began + request) }
        if let closesAt = self.closesAt { deadline = min(deadline, closesAt) }
        return deadline <= now ? .close : .waitUntil(deadline)
    }
}
