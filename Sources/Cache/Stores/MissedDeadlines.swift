/// Decides when deadlines that Redis has missed mean that it is away.
///
/// A single one does not: a neighbour's long command can be its cause. Nor do many while Redis sends us so much that it takes its time, such as a
/// batch of large values: what waits behind them is answered from memory, one by one, and nobody else needs to be.
struct MissedDeadlines {
    /// So many bytes since the last miss are the reason for the next ones.
    static let busyBytes = 1 << 20
    /// For how long they are, in nanoseconds.
    static let busyTime = 30_000_000

    private let maximum: Int
    private var inARow = 0
    private var receivedBefore = 0
    private var busyUntil = Int.min

    /// - Parameter maximum: so many in a row mean that Redis is away. At least 1.
    init(maximum: Int) {
        self.maximum = maximum
    }

    /// Redis has answered in time, or begins anew.
    mutating func answered() { self.inARow = 0 }

    /// A deadline is missed. Returns whether Redis is away.
    ///
    /// - Parameters:
    ///   - received: bytes that Redis has sent so far.
    ///   - now: nanoseconds of the monotonic clock.
    mutating func missed(received: Int, now: Int) -> Bool {
        if received - self.receivedBefore >= Self.busyBytes { self.busyUntil = now + Self.busyTime }
        self.receivedBefore = received
        guard now >= self.busyUntil else {
            self.inARow = 0
            return false
        }
        self.inARow += 1
        return self.inARow >= self.maximum
    }
}
