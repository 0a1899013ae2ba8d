/// One request of a client of leases and tags, and its answer, as the client saw them.
struct LeaseEvent: Hashable, Sendable, CustomStringConvertible {
    /// What is stored. The number is that of no other write of the history.
    struct Value: Hashable, Sendable {
        let number: Int
        var tags: [String] = []
        /// In seconds.
        var timeToLive: Int?
        /// In seconds.
        var stale = 0
    }

    /// The lease that a reader asks for.
    struct Wish: Hashable, Sendable {
        let seconds: Int
        var waitMilliseconds = 0
        /// Of the lease that is to be renewed.
        var token: String?
    }

    enum Operation: Hashable, Sendable {
        case read(key: String, Wish?)
        case set(key: String, Value)
        /// Stores what a lease was for.
        case fill(key: String, Value, token: String)
        case giveUp(key: String, token: String)
        case delete(key: String)
        /// Every key that begins so.
        case invalidatePrefix(String)
        case invalidateTag(String)
    }

    let instance: Int
    let operation: Operation
    /// When the request was sent, in milliseconds since the history began.
    let start: Double
    /// When the answer was there; infinite if none came.
    let end: Double
    let status: Int
    /// Whether memory answered without Redis (`X-Cache-Degraded`).
    var isDegraded = false
    /// Whether the client asked for an answer of Redis (`Cache-Control: no-cache`).
    var isDirect = false
    /// The number of the value that was read.
    var number: Int?
    /// Of the lease that the client has now.
    var token: String?

    /// Whether the client may rely on it. A delete that finds nothing is one all the same.
    var isAcknowledged: Bool {
        if case .delete = self.operation { self.status == 200 || self.status == 404 } else { self.status == 200 }
    }

    /// Whether Redis has acknowledged it.
    var isOfRedis: Bool { self.isAcknowledged && !self.isDegraded }

    /// Whether it tries to change what is stored under `key`.
    func changes(_ key: String) -> Bool {
        switch self.operation {
        case .read, .giveUp, .invalidateTag: false
        case .set(let other, _), .fill(let other, _, _), .delete(let other): other == key
        case .invalidatePrefix(let prefix): key.hasPrefix(prefix)
        }
    }

    /// Whether it tries to end the leases of `key`: a fill ends no other lease than its own.
    func voids(_ key: String) -> Bool {
        if case .fill = self.operation { false } else { self.changes(key) }
    }

    /// Whether it tries to change a tag. A pattern that matches every key matches the versions of tags too.
    func invalidates(_ tag: String? = nil) -> Bool {
        switch self.operation {
        case .invalidateTag(let other): tag.map { $0 == other } ?? true
        case .invalidatePrefix(let prefix): prefix.isEmpty
        case .read, .set, .fill, .giveUp, .delete: false
        }
    }

    /// Of a read that gave a new lease.
    var grant: (key: String, wish: Wish, token: String)? {
        guard case .read(let key, let wish?) = self.operation, let token, wish.token == nil else { return nil }
        return (key, wish, token)
    }

    /// Whether it ends the lease or makes it last otherwise.
    func uses(_ token: String) -> Bool {
        switch self.operation {
        case .fill(_, _, let other), .giveUp(_, let other): other == token
        case .read(_, let wish): wish?.token == token
        case .set, .delete, .invalidatePrefix, .invalidateTag: false
        }
    }

    var description: String {
        let marks = (self.isDegraded ? " degraded" : "") + (self.isDirect ? " direct" : "")
        let found = (self.number.map { " value \($0)" } ?? "") + (self.token.map { " lease \($0)" } ?? "")
        return "instance \(self.instance): \(self.operation) \(self.status)\(found)\(marks) [\(self.start), \(self.end)]"
    }
}
