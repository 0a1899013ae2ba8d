import Foundation
import TestSupport

/// A client of one instance, which asks at random over one connection and records what it sees.
struct FaultClient {
    static let keys = ["a:1", "a:2", "b:1", "c"]
    /// A key that only the foreign client writes, so that its copies live until Redis says that they are old.
    static let foreignKey = "f"
    /// Another key, which only some schedules use.
    static let forbiddenKey = "x:1"
    static let prefixes = ["a:", "b:", ""]

    let instance: Int
    let port: Int
    let history: History
    private let usesForbiddenKey: Bool
    /// Of a hundred operations, how many change something.
    private let changes: Int
    private var random: SplitMix64

    init(instance: Int, port: Int, history: History, usesForbiddenKey: Bool = false, changes: Int = 0, seed: UInt64) {
        self.instance = instance
        self.port = port
        self.history = history
        self.usesForbiddenKey = usesForbiddenKey
        self.changes = changes
        self.random = SplitMix64(seed: seed)
    }

    /// Asks until `isOver`.
    mutating func run(until isOver: () -> Bool) async throws {
        var client = self
        try await WireClient.connect(port: self.port) { connection in
            while !isOver() {
                let operation = client.operation()
                let isDirect = Int.random(in: 0..<10, using: &client.random) == 0
                try await client.ask(operation, isDirect: isDirect, &connection)
                try await Task.sleep(for: .microseconds(Int.random(in: 0...3000, using: &client.random)))
            }
        }
    }

    /// Reads every key as it is in Redis. An answer from memory says nothing of that: on a loaded machine Redis can miss a deadline at any time.
    mutating func readAll() async throws -> [String: Int?] {
        var found: [String: Int?] = [:]
        var client = self
        try await WireClient.connect(port: self.port) { connection in
            for key in Self.keys { found[key] = .some(try await client.read(key, isDirect: true, &connection)) }
        }
        return found
    }

    /// Reads every key over and over for some time, so that a copy that nobody corrects is seen to be older than it may be.
    mutating func linger(for time: Duration) async throws {
        let end = ContinuousClock.now + time
        var client = self
        try await WireClient.connect(port: self.port) { connection in
            var isOver = false
            while !isOver {
                isOver = ContinuousClock.now >= end
                for key in Self.keys + [Self.foreignKey] { _ = try await client.read(key, isDirect: false, &connection) }
            }
        }
    }

    private mutating func read(_ key: String, isDirect: Bool, _ connection: inout WireClient.Connection) async throws -> Int? {
        while true {
            let event = try await self.ask(.get(key: key, value: nil), isDirect: isDirect, &connection)
            if !event.isDegraded, case .get(_, let value) = event.operation { return value }
        }
    }

    private mutating func operation() -> HistoryEvent.Operation {
        let isForbidden = self.usesForbiddenKey && Int.random(in: 0..<10, using: &self.random) == 0
        let key = isForbidden ? Self.forbiddenKey : Self.keys[Int.random(in: 0..<Self.keys.count, using: &self.random)]
        guard Int.random(in: 0..<100, using: &self.random) < self.changes else {
            return .get(key: Int.random(in: 0...Self.keys.count, using: &self.random) == 0 ? Self.foreignKey : key, value: nil)
        }
        switch Int.random(in: 0..<40, using: &self.random) {
        case 0..<24: return .set(key: key, value: self.history.uniqueValue(), timeToLive: nil)
        case 24..<30: return .set(key: key, value: self.history.uniqueValue(), timeToLive: 1)
        case 30..<38: return .delete(key: key)
        default: return .invalidate(prefix: Self.prefixes[Int.random(in: 0..<Self.prefixes.count, using: &self.random)])
        }
    }

    @discardableResult
    private mutating func ask(
        _ operation: HistoryEvent.Operation, isDirect: Bool, _ connection: inout WireClient.Connection
    ) async throws -> HistoryEvent {
        let (answer, start, end) = await self.history.exchange(self.request(operation, isDirect: isDirect), over: &connection)
        let event = HistoryEvent(
            instance: self.instance, operation: Self.completed(operation, answer), start: start, end: end, status: answer.status,
            isDegraded: answer["x-cache-degraded"] == "1", isCopy: answer["cache-status"]?.hasSuffix("detail=near") ?? false, isDirect: isDirect)
        self.history.record(event)
        if end == .infinity { throw WireClient.Failure.closed }
        return event
    }

    /// In both forms of the contract: one is answered by the fast lane, the other by the router.
    private mutating func request(_ operation: HistoryEvent.Operation, isDirect: Bool) -> String {
        let field = isDirect ? "Cache-Control: no-cache\r\n" : ""
        let isPlain = Bool.random(using: &self.random)
        switch operation {
        case .get(let key, _): return self.head("GET", isPlain ? "/cache/\(key)" : "/cache?key=\(key)") + field + "\r\n"
        case .delete(let key): return self.head("DELETE", isPlain ? "/cache/\(key)" : "/cache?key=\(key)") + "\r\n"
        case .set(let key, let value, let timeToLive):
            let members = #""key":"\#(key)","value":\#(value)"# + (timeToLive.map { #","ttl":\#($0)"# } ?? "")
            return self.post("/cache", isPlain ? "{\(members)}" : "{\(members),\"other\":0}")
        case .invalidate(let prefix): return self.post("/cache/invalidate", #"{"pattern":"\#(prefix)*"}"#)
        case .expire: preconditionFailure("no operation of the service")
        }
    }

    private func head(_ method: String, _ target: String) -> String { "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n" }

    private func post(_ target: String, _ body: String) -> String {
        self.head("POST", target) + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func completed(_ operation: HistoryEvent.Operation, _ answer: WireResponse) -> HistoryEvent.Operation {
        guard case .get(let key, _) = operation, answer.status == 200 else { return operation }
        let prefix = #"{"success":true,"key":"\#(key)","value":"#
        guard answer.text.hasPrefix(prefix), answer.text.hasSuffix("}") else { return .get(key: key, value: -1) }
        return .get(key: key, value: Int(answer.text.dropFirst(prefix.count).dropLast()) ?? -1)
    }
}
