/// When an HTTP/2 connection must end, and in which steps: a value without clock and without timer.
///
///     serving ──stop signal──► announced ──round trip, or too long──► finishing ──no stream left──► closing ──► closed
///
/// RFC 9113, section 6.8: the first GOAWAY of a stop names the highest id there is, so that requests that are on their way are still served; the
/// second, when they must have arrived, the last one that was taken.
struct HTTP2Lifetime {
    enum Phase: Equatable {
        case serving
        /// The first GOAWAY is sent.
        case announced
        /// The last GOAWAY is sent, or the client has closed its side: no further stream is taken.
        case finishing
        /// What is left to send is sent; what still arrives is discarded.
        case closing
        case closed
    }

    /// What the timer should do.
    enum Verdict: Equatable {
        /// Look again at this time, in nanoseconds of the monotonic clock.
        case waitUntil(Int)
        /// Send the last GOAWAY of a stop, and go on with the streams that there are.
        case finish
        /// End the connection: nothing has happened on it for too long.
        case endIdle
        /// End the connection: its client is too slow.
        case endSlow
        /// Close at once, because the client does not read and the process has no room left for unread answers.
        case closeUnread
        case close
    }

    /// What the verdict depends on besides what the lifetime itself has seen.
    struct Circumstances {
        var hasStreams: Bool
        /// An answer is to come from us.
        var isAnswerDue: Bool
        /// When the oldest request that is on its way began.
        var oldestOpenRequest: Int?
        /// The process has no room left for unread answers.
        var isUnsentFull: Bool
    }

    /// How many bytes a client must take to count as one that reads.
    private static let progressBytes = 16 * 1024

    private let bounds: ConnectionStateMachine.Bounds
    private(set) var phase = Phase.serving
    private let openedAt: Int
    private var lastActivity: Int
    private var phaseBegan: Int
    /// When a connection that is closing is gone whatever happens.
    private var closesAt = Int.max
    /// Since when bytes have come that make no whole frame.
    private var partialSince: Int?
    /// Since when answers have waited for the client.
    private var stalledSince: Int?
    private var takenBytes = 0
    /// A request has come: the client does more than hold a connection open.
    private var isProven = false

    init(_ bounds: ConnectionStateMachine.Bounds, now: Int) {
        self.bounds = bounds
        self.openedAt = now
        self.lastActivity = now
        self.phaseBegan = now
    }

    /// New streams are taken.
    var takesStreams: Bool { self.phase == .serving || self.phase == .announced }
    /// Nothing that arrives counts any longer.
    var isClosing: Bool { self.phase == .closing || self.phase == .closed }
    /// Since when the client owes the rest of a frame, or its first request; nil if it owes none.
    var owesSince: Int? { self.partialSince ?? (self.isProven ? nil : self.openedAt) }
    var isStalled: Bool { self.stalledSince != nil }

    // MARK: What happens

    mutating func bytesArrived(now: Int) {
        if self.partialSince == nil { self.partialSince = now }
    }

    /// A whole frame has arrived.
    /// - Parameter isOfRequest: it is part of a request, and no PING, SETTINGS or window.
    mutating func frameArrived(isOfRequest: Bool, now: Int) {
        self.partialSince = nil
        guard isOfRequest else { return }
        self.isProven = true
        self.lastActivity = now
    }

    mutating func answered(now: Int) { self.lastActivity = now }

    /// `taken` bytes of answers have left since the last time, and so many wait. Returns whether the client has only now stopped reading.
    mutating func unsentChanged(taken: Int, waiting: Int, now: Int) -> Bool {
        guard waiting > 0 else {
            self.stalledSince = nil
            self.takenBytes = 0
            return false
        }
        self.takenBytes += taken
        let isNew = self.stalledSince == nil
        if isNew || self.takenBytes >= Self.progressBytes {
            self.stalledSince = now
            self.takenBytes = 0
        }
        return isNew
    }

    // MARK: The end

    /// The service stops. Returns false if the connection ends already.
    mutating func announce(now: Int) -> Bool { self.enter(.announced, if: self.phase == .serving, now: now) }

    /// No further stream is taken. Returns false if none was taken before.
    mutating func finish(now: Int) -> Bool { self.enter(.finishing, if: self.takesStreams, now: now) }

    /// The connection closes once what is written has left. Returns false if it does so already.
    mutating func close(now: Int) -> Bool {
        guard self.enter(.closing, if: !self.isClosing, now: now) else { return false }
        self.closesAt = now + self.bounds.lastAnswer
        return true
    }

    /// The client has time until then to close its side. RFC 9112, section 9.6, says why, and it is as true here.
    mutating func lastAnswerTaken(now: Int) -> Int {
        self.closesAt = now + self.bounds.linger
        return self.closesAt
    }

    mutating func inactive() { self.phase = .closed }

    private mutating func enter(_ phase: Phase, if isPossible: Bool, now: Int) -> Bool {
        guard isPossible else { return false }
        self.phase = phase
        self.phaseBegan = now
        return true
    }

    // MARK: The timer

    func verdict(_ what: Circumstances, now: Int) -> Verdict {
        var next = now + min(self.bounds.request, self.bounds.idle)
        /// Whether the time has come.
        func isOver(_ time: Int) -> Bool {
            if time > now { next = min(next, time) }
            return time <= now
        }
        switch self.phase {
        case .closed: return .waitUntil(.max)
        case .closing: return isOver(self.closesAt) ? .close : .waitUntil(next)
        case .announced: if isOver(self.phaseBegan + self.bounds.drain) { return .finish }
        case .finishing:
            if !what.isAnswerDue, isOver(max(self.phaseBegan, self.lastActivity) + self.bounds.lastAnswer) { return .close }
        case .serving: break
        }
        if let partialSince, isOver(partialSince + self.bounds.request) { return .endSlow }
        if let stalledSince {
            if isOver(stalledSince + ConnectionTable.patience), what.isUnsentFull { return .closeUnread }
            if isOver(stalledSince + self.bounds.idle) { return .endSlow }
            next = min(next, now + ConnectionTable.patience)
        }
        if let oldest = what.oldestOpenRequest { _ = isOver(oldest + self.bounds.request) }
        if !what.hasStreams, isOver(self.lastActivity + self.bounds.idle) { return .endIdle }
        return .waitUntil(next)
    }
}
