import TestSupport

/// The same client in a cluster: it follows redirections, and waits for nobody.
extension ForeignClient {
    /// A node that has stopped says nothing for as long as it likes.
    private static let patience = Duration.milliseconds(400)
    private static let redirections = 5

    /// Changes keys until `isOver`. Acknowledged is what a replica has as well: the rest may be lost when that takes over.
    mutating func run(inClusterOf ports: [Int], until isOver: () -> Bool) async throws {
        var known: [String: Int] = [:]
        var next = 0
        while !isOver() {
            let operation = self.operation()
            let key = Self.key(of: operation)
            let first = known[key] ?? ports[next % ports.count]
            let start = self.history.now
            let port = try? await Self.limited { try await Self.change(operation, at: first) }
            known[key] = port
            // Of a node that does not answer, nobody knows the way.
            next += port == nil ? 1 : 0
            self.history.record(
                HistoryEvent(
                    instance: HistoryEvent.foreign, operation: operation, start: start, end: port == nil ? .infinity : self.history.now,
                    status: port == nil ? 503 : 200, isDegraded: false))
            try await self.pause()
        }
    }

    private static func key(of operation: HistoryEvent.Operation) -> String {
        switch operation {
        case .get(let key, _), .set(let key, _, _), .delete(let key), .expire(let key, _): key
        case .invalidate: preconditionFailure("no command of Redis")
        }
    }

    /// - Returns: the port of the node that has done it
    /// - Throws: if it is refused, or if it is not known whether it lasts
    private static func change(_ operation: HistoryEvent.Operation, at first: Int) async throws -> Int {
        var port = first
        var isAsking = false
        for _ in 0..<Self.redirections {
            let commands = (isAsking ? ["ASKING"] : []) + [self.command(operation), "WAIT 1 300"]
            let replies = try await WireClient.connect(port: port) { connection in
                try await connection.send(commands.map(RedisServerProcess.encoded).joined())
                var lines: [String] = []
                for _ in commands { lines.append(try await connection.line()) }
                return Array(lines.suffix(2))
            }
            let words = replies[0].split(whereSeparator: { $0 == " " || $0 == ":" || $0.isNewline })
            if words.count >= 4, words[0] == "-MOVED" || words[0] == "-ASK", let other = words.last.flatMap({ Int($0) }) {
                isAsking = words[0] == "-ASK"
                port = other
            } else if replies[0].hasPrefix("-") || replies[1].hasPrefix(":0") {
                break
            } else {
                return port
            }
        }
        throw TestProcessError(reason: "not done, or not known to last")
    }

    private static func limited(_ work: @escaping @Sendable () async throws -> Int) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                throw TestProcessError(reason: "no reply")
            }
            defer { group.cancelAll() }
            guard let port = try await group.next() else { throw TestProcessError(reason: "no reply") }
            return port
        }
    }
}
