import NIOCore

/// One connection's share of what the process counts over all connections: see `Limiter`.
struct ConnectionAccount: ~Copyable {
    /// What a connection may hold of a request without its being counted.
    static let uncountedBytes = 4 * 1024

    private let limiter: Limiter
    /// The client's address, if connections are counted by it.
    private var peer: String?
    private(set) var isOpen = false
    /// The connection is over the limit, so that its end makes room for no other.
    private(set) var isExcess = false
    private var unsentBytes = 0
    private var receivedBytes = 0

    init(_ limiter: Limiter) {
        self.limiter = limiter
    }

    // MARK: The place

    /// Counts the connection. Returns the bound that it exceeds, if there is one; `close` must follow either way.
    mutating func open(from address: SocketAddress?) -> LimitKind? {
        self.isOpen = true
        self.peer = self.limiter.peer(address)
        return self.limiter.admit(connectionFrom: self.peer)
    }

    /// The connection gets no place. Returns whether it may still send a probe.
    mutating func foundNoPlace(_ reached: LimitKind) -> Bool {
        self.isExcess = true
        return reached == .connections && self.limiter.hasRoomForProbes
    }

    /// The connection is gone, and nothing of it waits any longer. Returns false if it was not open.
    mutating func close() -> Bool {
        self.limiter.unsent(-self.unsentBytes)
        self.limiter.receiving(-self.receivedBytes)
        self.unsentBytes = 0
        self.receivedBytes = 0
        guard self.isOpen else { return false }
        self.isOpen = false
        self.limiter.release(connectionFrom: self.peer)
        return true
    }

    // MARK: Bytes that wait

    /// The client is known not to read.
    var isStalled: Bool { self.unsentBytes > 0 }

    /// Counts the answers that wait for the client. Returns whether it has only now stopped reading.
    ///
    /// Nothing is counted once the account is closed: a write can end the connection before it returns, and what it was to send waits for nobody then.
    mutating func countUnsent(_ count: Int) -> Bool {
        guard self.isOpen else { return false }
        let hasStalled = self.unsentBytes == 0 && count > 0
        self.limiter.unsent(count - self.unsentBytes)
        self.unsentBytes = count
        return hasStalled
    }

    /// Counts what the connection holds of requests, if it is worth counting.
    mutating func countReceived(_ held: Int) {
        let count = held > Self.uncountedBytes ? held : 0
        guard self.isOpen, count != self.receivedBytes else { return }
        self.limiter.receiving(count - self.receivedBytes)
        self.receivedBytes = count
    }

    /// What counts of the requests that the connection holds, in bytes.
    var countedBytes: Int { self.receivedBytes }
}

/// A connection that can lose its place to another.
protocol ReplaceableConnection: AnyObject {
    /// Its place in the table of its event loop.
    var tableIndex: Int { get set }
    /// Since when its client owes a request, in nanoseconds of the monotonic clock; nil if it owes none, or the connection has no place.
    var owesSince: Int? { get }

    /// Ends the connection at once.
    func giveUpPlace()
}

/// The connections of one event loop.
struct ConnectionTable {
    private var connections: [any ReplaceableConnection] = []
    private var random = SystemRandomNumberGenerator()

    /// How many connections are looked at to find a slow one. If slow clients hold all places, the first will do; a table in order of age would
    /// cost every request.
    private static let sampleCount = 16
    /// For how long a client may owe a request, or not read its answers, before its place is given to another, in nanoseconds.
    static let patience = 1_000_000_000

    /// O(1).
    mutating func insert(_ connection: any ReplaceableConnection) {
        connection.tableIndex = self.connections.count
        self.connections.append(connection)
    }

    /// O(1).
    mutating func remove(_ connection: any ReplaceableConnection) {
        // The last takes its place.
        let last = self.connections.removeLast()
        guard last !== connection else { return }
        self.connections[connection.tableIndex] = last
        last.tableIndex = connection.tableIndex
    }

    /// Of some connections the one whose client has owed a request for longest, if that is too long.
    mutating func slowest(now: Int) -> (any ReplaceableConnection)? {
        var slowest: (connection: any ReplaceableConnection, since: Int)?
        for _ in 0..<Self.sampleCount {
            guard let connection = self.connections.randomElement(using: &self.random), let since = connection.owesSince else { continue }
            if now - since > Self.patience, since < slowest?.since ?? .max { slowest = (connection, since) }
        }
        return slowest?.connection
    }
}

extension EventLoopScope {
    /// Ends a connection whose client has owed a request for too long, so that slow clients cannot hold all the places.
    /// Returns false if there is none.
    func makeRoom(now: Int) -> Bool {
        guard let slow = self.connections.slowest(now: now) else { return false }
        self.limiter.recordRefusal(.connectionsEvicted)
        slow.giveUpPlace()
        return true
    }
}
