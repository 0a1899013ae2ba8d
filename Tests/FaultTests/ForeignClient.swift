import TestSupport

/// A client that changes keys in Redis itself, as another program would, and records what it does.
///
/// It stands beside the faults of the network, so what Redis has acknowledged to it is in Redis.
struct ForeignClient {
    private let port: Int
    let history: History
    /// The longest pause between two changes.
    private let pauseMilliseconds: Int
    private var random: SplitMix64

    init(port: Int, history: History, pauseMilliseconds: Int, seed: UInt64) {
        self.port = port
        self.history = history
        self.pauseMilliseconds = pauseMilliseconds
        self.random = SplitMix64(seed: seed)
    }

    /// Changes keys until `isOver`. Redis may be gone at any time: then it connects again.
    mutating func run(until isOver: () -> Bool) async throws {
        while !isOver() {
            var client = self
            try? await WireClient.connect(port: self.port) { connection in
                while !isOver() {
                    try await client.change(&connection)
                    try await client.pause()
                }
            }
            // What was drawn is not drawn again.
            self.random = SplitMix64(seed: self.random.next())
            try await self.pause()
        }
    }

    mutating func pause() async throws {
        try await Task.sleep(for: .microseconds(Int.random(in: 0...self.pauseMilliseconds * 1000, using: &self.random)))
    }

    private mutating func change(_ connection: inout WireClient.Connection) async throws {
        let operation = self.operation()
        let start = self.history.now
        var status = 0
        var end = Double.infinity
        defer {
            self.history.record(
                HistoryEvent(instance: HistoryEvent.foreign, operation: operation, start: start, end: end, status: status, isDegraded: false))
        }
        try await connection.send(RedisServerProcess.encoded(Self.command(operation)))
        let reply = try await connection.line()
        end = self.history.now
        // A server that still loads its data refuses.
        status = reply.hasPrefix("-") ? 503 : 200
    }

    mutating func operation() -> HistoryEvent.Operation {
        let keys = FaultClient.keys + [FaultClient.foreignKey]
        let key = keys[Int.random(in: 0..<keys.count, using: &self.random)]
        switch Int.random(in: 0..<10, using: &self.random) {
        case 0..<5: return .set(key: key, value: self.history.uniqueValue(), timeToLive: nil)
        case 5: return .set(key: key, value: self.history.uniqueValue(), timeToLive: 1)
        case 6, 7: return .delete(key: key)
        default: return .expire(key: key, milliseconds: Int.random(in: 1...100, using: &self.random))
        }
    }

    static func command(_ operation: HistoryEvent.Operation) -> String {
        switch operation {
        case .get(let key, _): "GET \(key)"
        case .set(let key, let value, let timeToLive): "SET \(key) \(value)" + (timeToLive.map { " EX \($0)" } ?? "")
        case .delete(let key): "DEL \(key)"
        case .invalidate: preconditionFailure("no command of Redis")
        case .expire(let key, let milliseconds): "PEXPIRE \(key) \(milliseconds)"
        }
    }
}
