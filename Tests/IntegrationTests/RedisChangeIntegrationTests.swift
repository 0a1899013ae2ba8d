import NIOCore
import RESP
import RedisClient
import TestSupport
import Testing

@testable import Cache

/// The commands of changes as a real Redis carries them out.
@Suite(.enabled(if: RedisServerProcess.isAvailable, "needs redis-server"), .timeLimit(.minutes(5)))
struct RedisChangeIntegrationTests {
    private let key = ByteBuffer(string: "k")
    /// Bytes that are no text, to be compared as they are.
    private let old = ByteBuffer(bytes: (0...255).map { UInt8($0) } + [0x0D, 0x0A, 0x00])
    private let new = ByteBuffer(bytes: (0...255).map { UInt8($0) } + [0x0D, 0x0A, 0x01])

    /// What Redis answers, as the store would say it, or why it refuses.
    private func change(_ change: CacheChange, _ connection: LiveConnection, asking: Bool = false) async throws -> String {
        let command = change.command(self.key)
        do throws(RedisFailure) {
            let reply = try await connection.call {
                asking ? $0.askingSend(command, token: 0, receiver: $1) : $0.send(command, token: 0, receiver: $1)
            }
            return switch change.answer(reply) {
            case .stored: "stored"
            case .deleted: "deleted"
            case .conflict: "conflict"
            case .miss: "miss"
            default: "unexpected: \(reply)"
            }
        } catch {
            return change.isRefused(with: error) ? "refused" : error.serverErrorPrefix ?? "\(error)"
        }
    }

    private func remaining(_ connection: LiveConnection) async throws -> Int64? {
        guard case .integer(let milliseconds) = try await connection.call({ $0.pttl(self.key, token: 0, receiver: $1) }) else { return nil }
        return milliseconds
    }

    @Test func conditions() async throws {
        let server = try RedisServerProcess()
        let connection = try await LiveConnection.open(server.configuration)
        #expect(try await self.change(.replace(expected: self.old, value: self.new, ttl: .none), connection) == "conflict")
        #expect(try await self.change(.remove(expected: self.old), connection) == "conflict")
        #expect(try await self.change(.create(value: self.old, ttl: .milliseconds(90_000)), connection) == "stored")
        #expect(try await self.change(.create(value: self.new, ttl: .none), connection) == "conflict")
        #expect(try await self.change(.replace(expected: self.new, value: self.old, ttl: .none), connection) == "conflict")
        #expect(try await self.change(.replace(expected: self.old, value: self.new, ttl: .kept), connection) == "stored")
        #expect(try await connection.get(self.key) == .bulkString(self.new))
        #expect((60_000...90_000).contains(try #require(try await self.remaining(connection))))
        #expect(try await self.change(.replace(expected: self.new, value: ByteBuffer(), ttl: .milliseconds(315_360_000_000)), connection) == "stored")
        #expect((315_359_000_000...315_360_000_000).contains(try #require(try await self.remaining(connection))))
        #expect(try await self.change(.replace(expected: ByteBuffer(), value: self.old, ttl: .none), connection) == "stored")
        #expect(try await self.remaining(connection) == -1)
        #expect(try await self.change(.replace(expected: self.old, value: self.old, ttl: .kept), connection) == "stored")
        #expect(try await self.remaining(connection) == -1)
        #expect(try await self.change(.remove(expected: self.new), connection) == "conflict")
        #expect(try await self.change(.remove(expected: self.old), connection) == "deleted")
        #expect(try await connection.get(self.key) == .null)
        try await connection.close()
    }

    @Test func leases() async throws {
        let server = try RedisServerProcess()
        let connection = try await LiveConnection.open(server.configuration)
        let lease = { (value: ByteBuffer) in CacheChange.lease(placeholder: value, milliseconds: 90_000) }
        #expect(try await self.change(lease(self.old), connection) == "stored")
        #expect(try await self.change(lease(self.new), connection) == "conflict")
        #expect(try await connection.get(self.key) == .bulkString(self.old))
        #expect((60_000...90_000).contains(try #require(try await self.remaining(connection))))
        try await server.run("CONFIG SET maxmemory 1", "CONFIG SET maxmemory-policy noeviction")
        _ = try await connection.call { $0.unlink(self.key, token: 0, receiver: $1) }
        #expect(try await self.change(lease(ByteBuffer(repeating: 1, count: 100_000)), connection) == "OOM")
        try await connection.close()
    }

    @Test func timeToLive() async throws {
        let server = try RedisServerProcess()
        let connection = try await LiveConnection.open(server.configuration)
        for ttl in [TimeToLive.none, .kept, .milliseconds(60_000)] { #expect(try await self.change(.expire(ttl: ttl), connection) == "miss") }
        _ = try await connection.set(self.key, self.old)
        for ttl in [TimeToLive.none, .kept, .milliseconds(60_000)] { #expect(try await self.change(.expire(ttl: ttl), connection) == "stored") }
        #expect((30_000...60_000).contains(try #require(try await self.remaining(connection))))
        #expect(try await self.change(.expire(ttl: .none), connection) == "stored")
        #expect(try await self.remaining(connection) == -1)
        let start = { (count: Int) in self.old.getSlice(at: 0, length: count) ?? ByteBuffer() }
        #expect(try await self.change(.expire(ttl: .milliseconds(60_000), prefix: start(100)), connection) == "stored")
        #expect(try await self.change(.expire(ttl: .none, prefix: self.old), connection) == "stored")
        #expect(try await self.change(.expire(ttl: .milliseconds(60_000), prefix: self.new), connection) == "conflict")
        #expect(try await self.remaining(connection) == -1)
        #expect(try await connection.get(self.key) == .bulkString(self.old))
        try await connection.close()
    }

    @Test func whatIsNoString() async throws {
        let server = try RedisServerProcess()
        try await server.run("RPUSH k element")
        let connection = try await LiveConnection.open(server.configuration)
        #expect(try await self.change(.create(value: self.old, ttl: .none), connection) == "conflict")
        #expect(try await self.change(.replace(expected: self.old, value: self.new, ttl: .none), connection) == "WRONGTYPE")
        #expect(try await self.change(.remove(expected: self.old), connection) == "WRONGTYPE")
        try await connection.close()
    }

    @Test func aFullServer() async throws {
        let server = try RedisServerProcess(configuration: ["maxmemory-policy noeviction"])
        let connection = try await LiveConnection.open(server.configuration)
        _ = try await connection.set(self.key, self.old)
        try await server.run("CONFIG SET maxmemory 1")
        let large = ByteBuffer(repeating: 1, count: 100_000)
        #expect(try await self.change(.replace(expected: self.old, value: large, ttl: .kept), connection) == "OOM")
        #expect(try await connection.get(self.key) == .bulkString(self.old))
        #expect(try await self.change(.remove(expected: self.new), connection) == "conflict")
        #expect(try await self.change(.expire(ttl: .milliseconds(60_000)), connection) == "stored")
        #expect(try await self.change(.remove(expected: self.old), connection) == "deleted", "what makes room is not refused")
        #expect(try await self.change(.create(value: large, ttl: .none), connection) == "OOM")
        try await connection.close()
    }

    /// Whatever is missing, a change is refused as a whole, and is not taken for an outage.
    @Test(arguments: ["eval", "get", "pttl", "unlink", "exists", "persist", "pexpire", "getrange"])
    func aUserWithoutPermission(_ command: String) async throws {
        let server = try RedisServerProcess()
        try await server.run("SET k v")
        try await server.run("ACL SETUSER default -\(command)")
        let connection = try await LiveConnection.open(server.configuration)
        let value = ByteBuffer(string: "v")
        #expect(
            try await self.change(.replace(expected: value, value: value, ttl: .kept), connection)
                == (["eval", "get", "pttl"].contains(command) ? "refused" : "stored"))
        #expect(
            try await self.change(.lease(placeholder: value, milliseconds: 60_000), connection) == (command == "eval" ? "refused" : "conflict"))
        #expect(
            try await self.change(.expire(ttl: .none), connection) == (["eval", "exists", "persist"].contains(command) ? "refused" : "stored"))
        #expect(
            try await self.change(.expire(ttl: .milliseconds(60_000)), connection)
                == (["eval", "exists", "pexpire"].contains(command) ? "refused" : "stored"))
        #expect(
            try await self.change(.expire(ttl: .kept, prefix: value), connection)
                == (["eval", "exists", "getrange"].contains(command) ? "refused" : "stored"))
        #expect(
            try await self.change(.remove(expected: value), connection) == (["eval", "get", "unlink"].contains(command) ? "refused" : "deleted"))
        try await connection.close()
    }

    @Test func aUserWhoMayNotTouchTheKey() async throws {
        let server = try RedisServerProcess(configuration: ["user default on nopass ~other &* +@all"])
        let connection = try await LiveConnection.open(server.configuration)
        let command = CacheChange.remove(expected: self.old).command(self.key)
        let failure = await #expect(throws: RedisFailure.self) { try await connection.call { $0.send(command, token: 0, receiver: $1) } }
        #expect(failure?.isAboutTheKey == true)
        try await connection.close()
    }

    /// A server that has restarted knows no script, and needs to be told nothing.
    @Test func aRestart() async throws {
        let server = try RedisServerProcess()
        let connection = try await LiveConnection.open(server.configuration)
        #expect(try await self.change(.remove(expected: self.old), connection) == "conflict")
        server.stop()
        _ = await connection.untilLost(otherwiseThan: .connectionClosed)
        try server.start()
        await connection.untilReady()
        #expect(try await self.change(.create(value: self.old, ttl: .none), connection) == "stored")
        #expect(try await self.change(.remove(expected: self.old), connection) == "deleted")
        try await connection.close()
    }

    /// Connections that count in one key by comparing and replacing lose nothing.
    @Test func noIncrementIsLost() async throws {
        let server = try RedisServerProcess()
        let configuration = server.configuration
        try await server.run("SET k 0")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let connection = try await LiveConnection.open(configuration)
                    for _ in 0..<50 {
                        while true {
                            guard case .bulkString(let held) = try await connection.get(self.key), let count = Int(String(buffer: held)) else {
                                return
                            }
                            let change = CacheChange.replace(expected: held, value: ByteBuffer(string: "\(count + 1)"), ttl: .kept)
                            if try await self.change(change, connection) == "stored" { break }
                        }
                    }
                    try await connection.close()
                }
            }
            try await group.waitForAll()
        }
        #expect(try await server.run("GET k") == "$3\r\n400\r\n")
    }
}
