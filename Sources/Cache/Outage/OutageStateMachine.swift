import MemoryStore

/// Whether Redis can be trusted, as a value: it decides, and `OutageGate` performs.
///
///     connected ── failed ──► outage ── reached ──► replay, exclusive ── shared replayed ──► replay, key by key ── replayed ──► connected
///                               ▲ ▲                      │                                        │
///                               │ └──── failed ──────────┘                                        │
///                               └────── failed ───────────────────────────────────────────────────┘
///
/// Every way into an outage begins a new generation: what was begun in an older one has no say any more.
struct OutageStateMachine {
    enum State: Hashable {
        /// Redis answers for every key that the journal does not hold.
        case connected
        /// Memory answers for every key.
        case outage
        /// Redis is reached, but patterns that were invalidated meanwhile may still be in it: memory answers for every key.
        case exclusiveReplay
        /// Only keys in the journal are still answered from memory, each until Redis has taken it.
        case keyReplay
    }

    enum FailureAction: Hashable {
        /// Close the gate, end every connection, begin to look for Redis. `isNews` when this is another state or reason than before.
        case close(isNews: Bool)
        /// Nothing changes but the reason, which has not been told in this outage.
        case tell
        case none
    }

    private(set) var state = State.outage
    /// Since when the state is what it is, apart from the steps of a replay.
    private(set) var since: MonotonicTime
    private(set) var reason = OutageReason.starting
    private(set) var generation = 0
    /// Attempts that failed since Redis was last there for long enough.
    private(set) var failedAttempts = 0
    private var told: Set<OutageReason> = [.starting]
    private let stableMilliseconds: Int64

    /// - Parameter stableMilliseconds: how long Redis must have been there for the next attempts to come quickly again.
    init(stableMilliseconds: Int64, now: MonotonicTime) {
        self.stableMilliseconds = stableMilliseconds
        self.since = now
    }

    /// Something that an event loop or an invalidation met with means that Redis is away.
    mutating func failed(_ reason: OutageReason, now: MonotonicTime) -> FailureAction {
        switch self.state {
        case .connected:
            if now.milliseconds - self.since.milliseconds >= self.stableMilliseconds { self.failedAttempts = 0 }
            self.since = now
            self.told = []
            return self.close(reason)
        case .exclusiveReplay, .keyReplay:
            self.failedAttempts += 1
            return self.close(reason)
        case .outage:
            // The connections that are being ended fail too; the reason is the first.
            return .none
        }
    }

    /// An attempt to reach Redis and replay led to nothing.
    mutating func attemptFailed(_ reason: OutageReason, generation: Int) -> FailureAction {
        guard generation == self.generation else { return .none }
        switch self.state {
        case .outage:
            self.failedAttempts += 1
            self.reason = reason
            return self.told.insert(reason).inserted ? .tell : .none
        case .exclusiveReplay, .keyReplay:
            self.failedAttempts += 1
            return self.close(reason)
        case .connected:
            return .none
        }
    }

    private mutating func close(_ reason: OutageReason) -> FailureAction {
        self.state = .outage
        self.reason = reason
        self.generation += 1
        return .close(isNews: self.told.insert(reason).inserted)
    }

    /// Redis answers. True where the replay begins.
    mutating func reached(generation: Int) -> Bool {
        guard self.state == .outage, generation == self.generation else { return false }
        self.state = .exclusiveReplay
        return true
    }

    /// What concerns more than single keys is done, and every event loop has its connection. True where keys may be asked of Redis again.
    mutating func sharedReplayed(generation: Int) -> Bool {
        guard self.state == .exclusiveReplay, generation == self.generation else { return false }
        self.state = .keyReplay
        return true
    }

    /// The journal is empty. True where this ends the outage.
    mutating func replayed(generation: Int, now: MonotonicTime) -> Bool {
        guard self.state == .keyReplay, generation == self.generation else { return false }
        self.state = .connected
        self.since = now
        return true
    }
}
