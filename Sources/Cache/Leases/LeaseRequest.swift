/// What a reader asks for who would compute the value if there is none.
package struct LeaseRequest: Sendable {
    /// How long the lease is to last, in seconds: 1 to 60.
    package let seconds: Int64
    /// How long to wait for a value that somebody else computes, in milliseconds: 0 to 10,000.
    package let waitMilliseconds: Int64
    /// The lease that the reader has already, to be renewed.
    package let token: LeaseToken?

    package static let secondsRange: ClosedRange<Int64> = 1...60
    package static let waitRange: ClosedRange<Int64> = 0...10_000

    package init(seconds: Int64, waitMilliseconds: Int64 = 0, token: LeaseToken? = nil) {
        self.seconds = seconds
        self.waitMilliseconds = waitMilliseconds
        self.token = token
    }

    var milliseconds: Int64 { self.seconds * 1000 }
}

/// What a reader gets who asked for a lease.
package enum LeaseAnswer: Sendable {
    /// A value, or an absence that nobody guards, because the store takes no lease.
    case read(CacheAnswer)
    /// An absence or a stale value, and the lease.
    case granted(CacheAnswer, LeaseToken)
    /// An absence or a stale value; somebody else has the lease.
    case held(CacheAnswer)
    /// The lease that was to be renewed no longer stands.
    case lost(CacheSource)
    /// The store refused what was asked of the lease, or did not say what became of it: `.refused` or `.unavailable`.
    case failed(CacheAnswer)
    /// As many wait as may.
    case tooManyWaiting
}

/// What became of an attempt to use a lease: to store the value that it was for, or to give it up.
package enum LeaseUse: Sendable {
    /// As the store answered: `.stored`, `.refused`, `.unavailable`.
    case done(CacheAnswer)
    /// The lease no longer stands: nothing has changed.
    case lost(CacheSource)
}

/// Whoever waits for a value may be gone before it comes.
package struct WaitingClient: Sendable {
    /// Whether the client is there to get an answer. Called on the event loop of its connection.
    let isConnected: @Sendable () -> Bool
    /// Counts who waits, over the whole process.
    let places: any WaitingPlaces

    package init(places: any WaitingPlaces, isConnected: @escaping @Sendable () -> Bool) {
        self.isConnected = isConnected
        self.places = places
    }
}

/// Bounds how many wait at once.
package protocol WaitingPlaces: Sendable {
    /// - Returns: false if there is no place. Otherwise `leave` must follow.
    func enter() -> Bool
    func leave()
}
