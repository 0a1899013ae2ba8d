import NIOCore
import NIOPosix
import RESP
import TestSupport
import Testing

@testable import RedisClient

@Suite(.enabled(if: RedisServerProcess.isAvailable, "needs redis-server"), .timeLimit(.minutes(5)))
struct RedisControlIntegrationTests {
    private func control(_ server: RedisServerProcess, _ change: (inout RedisConfiguration) -> Void = { _ in }) -> RedisControl {
        var configuration = server.configuration
        change(&configuration)
        return RedisControl(eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: configuration, logger: .silent)
    }

    @Test("invalidation by random patterns removes exactly what KEYS finds, out of 20,000 keys", arguments: [1, 2, 3] as [UInt64])
    func invalidate(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let server = try RedisServerProcess()
        let connection = try await LiveConnection.open(server.configuration)
        let control = self.control(server)
        try await Self.fill(connection, &random)
        var total = try await Self.keyCount(connection)
        for pattern in (0..<12).map({ _ in Self.pattern(&random) }) + ["nothing-*", "*"] {
            let matching = try await Self.keys(connection, pattern)
            #expect(try await control.countKeys(matching: Array(pattern.utf8)) >= matching, "seed \(seed), pattern \(pattern)")
            let deletion = try await control.invalidate(
                pattern: Array(pattern.utf8),
                scanCount: Int.random(in: 1...3000, using: &random),
                batch: Int.random(in: 1...700, using: &random)
            )
            #expect(deletion == RedisControl.Deletion(removed: matching), "seed \(seed), pattern \(pattern)")
            #expect(try await Self.keys(connection, pattern) == 0, "seed \(seed), pattern \(pattern)")
            total -= matching
            #expect(try await Self.keyCount(connection) == total, "seed \(seed), pattern \(pattern)")
        }
        #expect(total == 0)
        await control.shutDown()
        try await connection.close()
    }

    private static func fill(_ connection: LiveConnection, _ random: inout SplitMix64) async throws {
        for _ in 0..<40 {
            var command: [RESPArgument] = ["MSET"]
            for _ in 0..<500 {
                let prefix = ["user", "page", "session", "x\ny"].randomElement(using: &random) ?? ""
                command.append(.string("\(prefix):\(UInt64.random(in: 0..<1 << 40, using: &random))"))
                command.append("v")
            }
            #expect(try await connection.sender.send(command) == .simpleOK)
        }
    }

    private static func pattern(_ random: inout SplitMix64) -> String {
        let digit = Int.random(in: 0...9, using: &random)
        let patterns = [
            "user:\(digit)*", "*\(digit)\(digit)", "p?ge:*[0-\(digit)]", "session:[^\(digit)]?\(digit)*", "x\ny:*\(digit)", "*:\(digit)?*1",
            "user:\\*",
        ]
        return patterns.randomElement(using: &random) ?? "*"
    }

    private static func keys(_ connection: LiveConnection, _ pattern: String) async throws -> Int {
        guard case .array(let keys) = try await connection.sender.send(["KEYS", .string(pattern)]) else {
            throw RedisFailure.unexpectedReply
        }
        return keys.count
    }

    private static func keyCount(_ connection: LiveConnection) async throws -> Int {
        guard case .integer(let count) = try await connection.sender.send(["DBSIZE"]) else {
            throw RedisFailure.unexpectedReply
        }
        return Int(count)
    }

    @Test("information")
    func information() async throws {
        let server = try RedisServerProcess(configuration: ["maxmemory 100mb"])
        let control = self.control(server) { $0.database = 1 }
        let connection = try await LiveConnection.open(server.configuration)
        _ = try await connection.set(ByteBuffer(string: "in database 0"), ByteBuffer(string: "v"))
        try await control.ping()
        let information = try await control.serverInformation()
        #expect(information.version?.isEmpty == false)
        #expect(information.role == "master")
        #expect(information.maximumMemoryBytes == 104_857_600)
        #expect(information.connectedClients == 2)
        #expect(information.usedMemoryHuman?.isEmpty == false)
        #expect(information.uptimeSeconds != nil && information.keyspaceHits == 0 && information.keyspaceMisses == 0)
        #expect(information.totalCommandsProcessed.map { $0 > 0 } == true)
        #expect(information.keyCount == 0)
        await control.shutDown()
        await #expect(throws: RedisFailure.notConnected) { try await control.ping() }
        try await connection.close()
    }

    @Test("an idle connection closes and the next call opens another")
    func idle() async throws {
        let server = try RedisServerProcess()
        let observer = try await LiveConnection.open(server.configuration)
        let control = self.control(server) {
            $0.controlIdleTimeout = .milliseconds(1)
            $0.clientName = "idle-test"
        }
        for _ in 0..<3 {
            try await control.ping()
            var isOpen = true
            while isOpen {
                try Task.checkCancellation()
                let list = try await observer.sender.send(["CLIENT", "LIST"])
                isOpen = try !RedisClientList.identifiers(in: String(buffer: #require(list.text)), named: "idle-test").isEmpty
            }
        }
        await control.shutDown()
        try await observer.close()
    }

    @Test("a server that is away or hangs fails the call, and the next call finds it again")
    func away() async throws {
        let server = try RedisServerProcess()
        let control = self.control(server) { $0.controlDeadline = .milliseconds(100) }
        try await Self.waitForPing(control)
        server.pause()
        let hanging = await #expect(throws: RedisFailure.self) { try await control.ping() }
        #expect(hanging == .deadlineExceeded || hanging == .connectionClosed)
        server.resume()
        server.stop()
        await #expect(throws: RedisFailure.self) { try await control.ping() }
        try server.start()
        try await Self.waitForPing(control)
        await control.shutDown()
    }

    /// With a short deadline, one ping may miss it on a busy machine.
    private static func waitForPing(_ control: RedisControl) async throws {
        while (try? await control.ping()) == nil { try Task.checkCancellation() }
    }

    @Test("a cancelled task does not begin another step")
    func cancelled() async throws {
        let server = try RedisServerProcess()
        let control = self.control(server)
        try await control.ping()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await control.invalidate(pattern: Array("*".utf8))
        }
        await #expect(throws: RedisFailure.cancelled) { try await task.value }
        await control.shutDown()
    }
}
