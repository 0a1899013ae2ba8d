import NIOConcurrencyHelpers
import TestSupport

/// A client of one instance, which asks at random over one connection and records what it sees.
struct LeaseFaultClient {
    static let keys = ["a:1", "a:2", "a:3", "b:1", "b:2", "c", "d", "e"]
    private static let prefixes = ["a:", "a:", "b:", ""]
    private static let tags = ["s", "t"]

    /// The leases that clients have and use later, each through any instance, as behind a load balancer.
    final class Leases: Sendable {
        struct Lease {
            let key: String
            let token: String
            /// When the value is computed, in the history's time.
            let due: Double
        }

        private let held = NIOLockedValueBox<[Lease]>([])

        func add(_ lease: Lease) { self.held.withLockedValue { $0.append(lease) } }

        /// One of those whose value is computed.
        func take(now: Double) -> Lease? {
            self.held.withLockedValue { held in held.firstIndex { $0.due <= now }.map { held.remove(at: $0) } }
        }
    }

    let instance: Int
    let port: Int
    let history: Recording<LeaseEvent>
    let leases: Leases
    private var random: SplitMix64

    init(instance: Int, port: Int, history: Recording<LeaseEvent>, leases: Leases, seed: UInt64) {
        self.instance = instance
        self.port = port
        self.history = history
        self.leases = leases
        self.random = SplitMix64(seed: seed)
    }

    /// Asks until `isOver`.
    /// - Parameter changes: of a hundred operations, how many are to change something without a lease now.
    mutating func run(until isOver: () -> Bool, changes: () -> Int) async throws {
        var client = self
        try await WireClient.connect(port: self.port) { connection in
            while !isOver() {
                let operation = client.operation(changes: changes())
                let isDirect = Int.random(in: 0..<6, using: &client.random) == 0
                let event = try await client.ask(operation, isDirect: isDirect, &connection)
                client.keepLease(event)
                try await Task.sleep(for: .microseconds(Int.random(in: 0...3000, using: &client.random)))
            }
        }
    }

    /// Reads every key: first as any reader does, then as it is in Redis, until Redis answers.
    mutating func readAll() async throws {
        var client = self
        try await WireClient.connect(port: self.port) { connection in
            for key in Self.keys { _ = try await client.ask(.read(key: key, nil), isDirect: false, &connection) }
            for key in Self.keys { while try await client.ask(.read(key: key, nil), isDirect: true, &connection).isDegraded {} }
        }
    }

    // MARK: What is asked

    private mutating func operation(changes: Int) -> LeaseEvent.Operation {
        let key = Self.keys[Int.random(in: 0..<Self.keys.count, using: &self.random)]
        guard Int.random(in: 0..<100, using: &self.random) < changes else {
            return switch Int.random(in: 0..<10, using: &self.random) {
            case 0..<4: .read(key: key, nil)
            case 4..<7: .read(key: key, self.wish())
            default: self.use() ?? .read(key: key, self.wish())
            }
        }
        return switch Int.random(in: 0..<30, using: &self.random) {
        case 0..<10: .set(key: key, self.value())
        case 10..<20: .delete(key: key)
        case 20..<23: .invalidatePrefix(Self.prefixes[Int.random(in: 0..<Self.prefixes.count, using: &self.random)])
        default: .invalidateTag(self.tag())
        }
    }

    private mutating func tag() -> String { Self.tags[Int.random(in: 0..<Self.tags.count, using: &self.random)] }

    private mutating func wish() -> LeaseEvent.Wish {
        let wait = Bool.random(using: &self.random) ? 0 : Int.random(in: 1...200, using: &self.random)
        return LeaseEvent.Wish(seconds: self.seconds(), waitMilliseconds: wait)
    }

    /// Of a lease: some are over before a trial is, and some not.
    private mutating func seconds() -> Int { [1, 2, 4, 60][Int.random(in: 0..<4, using: &self.random)] }

    private mutating func use() -> LeaseEvent.Operation? {
        guard let lease = self.leases.take(now: self.history.now) else { return nil }
        switch Int.random(in: 0..<12, using: &self.random) {
        case 0: return .giveUp(key: lease.key, token: lease.token)
        case 1: return .read(key: lease.key, LeaseEvent.Wish(seconds: self.seconds(), token: lease.token))
        default: return .fill(key: lease.key, self.value(), token: lease.token)
        }
    }

    private mutating func value() -> LeaseEvent.Value {
        let number = self.history.uniqueValue()
        return switch Int.random(in: 0..<10, using: &self.random) {
        case 0: LeaseEvent.Value(number: number)
        case 1..<4: LeaseEvent.Value(number: number, timeToLive: 1)
        case 4, 5: LeaseEvent.Value(number: number, timeToLive: 1, stale: 2)
        case 6: LeaseEvent.Value(number: number, tags: [self.tag()], timeToLive: 1, stale: 2)
        case 7: LeaseEvent.Value(number: number, tags: Self.tags, timeToLive: 60)
        default: LeaseEvent.Value(number: number, tags: [self.tag()], timeToLive: 60)
        }
    }

    /// Some who get a lease die of it. Some are quick, and some so slow that a fault or two come between. Who does not know what became of a lease may
    /// try again.
    private mutating func keepLease(_ event: LeaseEvent) {
        if case .read(let key, _?) = event.operation, let token = event.token {
            guard Int.random(in: 0..<8, using: &self.random) > 0 else { return }
            let limit = Bool.random(using: &self.random) ? 20 : 1500
            let due = event.end + Double(Int.random(in: 0...limit, using: &self.random))
            self.leases.add(Leases.Lease(key: key, token: token, due: due))
        } else if case .fill(let key, _, let token) = event.operation, event.status == 503 {
            self.leases.add(Leases.Lease(key: key, token: token, due: event.end))
        }
    }

    // MARK: On the wire

    private mutating func ask(
        _ operation: LeaseEvent.Operation, isDirect: Bool, _ connection: inout WireClient.Connection
    ) async throws -> LeaseEvent {
        let (answer, start, end) = await self.history.exchange(self.request(operation, isDirect: isDirect), over: &connection)
        var event = LeaseEvent(instance: self.instance, operation: operation, start: start, end: end, status: answer.status)
        event.isDegraded = answer["x-cache-degraded"] == "1"
        event.isDirect = isDirect
        if let token = answer["cache-lease"], token != "held" { event.token = token }
        if case .read(let key, _) = operation, answer.status == 200 { event.number = Self.number(answer.text, key) }
        self.history.record(event)
        if end == .infinity { throw WireClient.Failure.closed }
        return event
    }

    /// - Returns: -1 for what no client has written.
    private static func number(_ text: String, _ key: String) -> Int {
        let prefix = #"{"success":true,"key":"\#(key)","value":"#
        guard text.hasPrefix(prefix), text.hasSuffix("}") else { return -1 }
        return Int(text.dropFirst(prefix.count).dropLast()) ?? -1
    }

    private func request(_ operation: LeaseEvent.Operation, isDirect: Bool) -> String {
        let direct = isDirect ? "Cache-Control: no-cache\r\n" : ""
        switch operation {
        case .read(let key, nil): return self.head("GET", "/cache/\(key)") + direct + "\r\n"
        case .read(let key, let wish?):
            let target = "/cache/\(key)?lease=\(wish.seconds)&wait=\(wish.waitMilliseconds)"
            return self.head("GET", target) + direct + self.lease(wish.token) + "\r\n"
        case .set(let key, let value): return self.post("/cache", self.body(key, value))
        case .fill(let key, let value, let token): return self.post("/cache", self.body(key, value), self.lease(token))
        case .giveUp(let key, let token): return self.head("DELETE", "/cache/\(key)") + self.lease(token) + "\r\n"
        case .delete(let key): return self.head("DELETE", "/cache/\(key)") + "\r\n"
        case .invalidatePrefix(let prefix): return self.post("/cache/invalidate", #"{"pattern":"\#(prefix)*"}"#)
        case .invalidateTag(let tag): return self.post("/cache/invalidate", #"{"tag":"\#(tag)"}"#)
        }
    }

    private func body(_ key: String, _ value: LeaseEvent.Value) -> String {
        var members = #""key":"\#(key)","value":\#(value.number)"#
        if let ttl = value.timeToLive { members += #","ttl":\#(ttl)"# }
        if value.stale > 0 { members += #","stale":\#(value.stale)"# }
        if !value.tags.isEmpty { members += #","tags":[\#(value.tags.map { "\"\($0)\"" }.joined(separator: ","))]"# }
        return "{\(members)}"
    }

    private func lease(_ token: String?) -> String { token.map { "Cache-Lease: \($0)\r\n" } ?? "" }

    private func head(_ method: String, _ target: String) -> String { "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n" }

    private func post(_ target: String, _ body: String, _ field: String = "") -> String {
        self.head("POST", target) + field + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}
