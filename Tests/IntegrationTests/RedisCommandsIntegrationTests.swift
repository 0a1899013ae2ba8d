import NIOCore
import RESP
import RedisClient
import TestSupport
import Testing

@Suite(.enabled(if: RedisServerProcess.isAvailable, "needs redis-server"), .timeLimit(.minutes(5)))
struct RedisCommandsIntegrationTests {
    @Test("set, get, pttl and unlink, over a unix socket and TCP", arguments: [true, false])
    func hotCommands(overNetwork: Bool) async throws {
        let server = try RedisServerProcess()
        let connection = try await LiveConnection.open(overNetwork ? server.networkConfiguration : server.configuration)
        let binary = ByteBuffer(bytes: (0...255).map { UInt8($0) } + [0x0D, 0x0A, 0x00])
        let megabyte = ByteBuffer(bytes: (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        for (key, value) in [(binary, binary), (ByteBuffer(), ByteBuffer()), (ByteBuffer(string: "big"), megabyte)] {
            #expect(try await connection.get(key) == .null)
            #expect(try await connection.call { $0.pttl(key, token: 0, receiver: $1) } == .integer(-2))
            #expect(try await connection.set(key, value) == .simpleOK)
            #expect(try await connection.get(key) == .bulkString(value))
            #expect(try await connection.call { $0.pttl(key, token: 0, receiver: $1) } == .integer(-1))
            #expect(try await connection.set(key, value, ttlMilliseconds: 100_000) == .simpleOK)
            guard case .integer(let milliseconds) = try await connection.call({ $0.pttl(key, token: 0, receiver: $1) }) else {
                Issue.record("PTTL is no integer")
                return
            }
            #expect((50_000...100_000).contains(milliseconds))
            #expect(try await connection.call { $0.unlink(key, token: 0, receiver: $1) } == .integer(1))
            #expect(try await connection.call { $0.unlink(key, token: 0, receiver: $1) } == .integer(0))
        }
        try await connection.close()
        await #expect(throws: RedisFailure.notConnected) { try await connection.get(binary) }
    }

    @Test("a value above the limit is dropped and the connection goes on")
    func oversized() async throws {
        let server = try RedisServerProcess()
        var configuration = server.configuration
        configuration.responseLimits.maximumBulkBytes = 1000
        let connection = try await LiveConnection.open(configuration)
        let key = ByteBuffer(string: "k")
        _ = try await connection.set(key, ByteBuffer(repeating: 1, count: 1_000_000))
        #expect(try await connection.get(key) == .oversized(byteCount: 1_000_000))
        _ = try await connection.set(key, ByteBuffer(string: "v"))
        #expect(try await connection.get(key) == .bulkString(ByteBuffer(string: "v")))
        try await connection.close()
    }

    @Test("a full Redis refuses writes, answers reads and keeps the connection")
    func outOfMemory() async throws {
        let server = try RedisServerProcess(configuration: ["maxmemory 3mb", "maxmemory-policy noeviction"])
        let connection = try await LiveConnection.open(server.configuration)
        let value = ByteBuffer(repeating: 1, count: 100_000)
        var failure: RedisFailure?
        for index in 0..<100 where failure == nil {
            do {
                _ = try await connection.set(ByteBuffer(string: "k\(index)"), value)
            } catch {
                failure = error
            }
        }
        #expect(failure?.code == .serverError)
        #expect(failure?.serverErrorPrefix == "OOM")
        #expect(try await connection.get(ByteBuffer(string: "k0")) == .bulkString(value))
        #expect(try await connection.onLoop { $0.isConnected && $0.counters.snapshot.failed == 0 })
        try await connection.close()
    }

    @Test("a thousand tasks share the connection and each gets its own")
    func manyTasks() async throws {
        let server = try RedisServerProcess()
        let connection = try await LiveConnection.open(server.configuration)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<1000 {
                group.addTask {
                    let reply = try await connection.sender.send(["ECHO", .integer(index)])
                    return reply == .bulkString(ByteBuffer(string: "\(index)"))
                }
            }
            for try await isOwn in group {
                #expect(isOwn)
            }
        }
        try await connection.close()
    }

    @Test("the logical database is selected")
    func database() async throws {
        let server = try RedisServerProcess()
        var configuration = server.configuration
        configuration.database = 3
        let third = try await LiveConnection.open(configuration)
        let first = try await LiveConnection.open(server.configuration)
        let key = ByteBuffer(string: "k")
        _ = try await third.set(key, ByteBuffer(string: "v"))
        #expect(try await first.get(key) == .null)
        #expect(try await first.sender.send(["SELECT", "3"]) == .simpleOK)
        #expect(try await first.get(key) == .bulkString(ByteBuffer(string: "v")))
        configuration.database = 99
        let nowhere = try await LiveConnection.start(configuration)
        let failure = await nowhere.untilLost()
        #expect(failure?.code == .databaseRefused)
        for connection in [first, third, nowhere] {
            try await connection.close()
        }
    }
}
