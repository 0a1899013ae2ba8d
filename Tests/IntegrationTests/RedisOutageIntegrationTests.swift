import Foundation
import NIOCore
import RESP
import RedisClient
import TestSupport
import Testing

@Suite(.enabled(if: RedisServerProcess.isAvailable, "needs redis-server"), .timeLimit(.minutes(5)))
struct RedisOutageIntegrationTests {
    private let key = ByteBuffer(string: "k")

    @Test("a server that restarts is found again, over a unix socket and TCP", arguments: [true, false])
    func restart(overNetwork: Bool) async throws {
        let server = try RedisServerProcess()
        let connection = try await LiveConnection.open(overNetwork ? server.networkConfiguration : server.configuration)
        for _ in 0..<3 {
            #expect(try await connection.set(self.key, self.key) == .simpleOK)
            server.stop()
            #expect(await connection.untilLost()?.code == .connectionClosed)
            // The kernel closes a killed server's sockets one by one: it may still take a connection when it has ended ours.
            #expect(await connection.untilLost(otherwiseThan: .connectionClosed)?.code == .connectFailed)
            await #expect(throws: RedisFailure.notConnected) { try await connection.get(self.key) }
            try server.start()
            await connection.untilReady()
            #expect(try await connection.get(self.key) == .null)
        }
        try await connection.close()
    }

    @Test("a server that hangs: deadlines, then it goes on, and no reply is ever another's")
    func hang() async throws {
        let server = try RedisServerProcess()
        var configuration = server.configuration
        configuration.commandDeadline = .milliseconds(30)
        let connection = try await LiveConnection.open(configuration)
        let filler = try await LiveConnection.open(server.configuration)
        for index in 0..<200 {
            _ = try await filler.set(ByteBuffer(string: "k\(index)"), ByteBuffer(string: "v\(index)"))
        }
        var late = 0
        var own = 0
        for _ in 0..<15 {
            server.pause()
            let hanging = try await Self.getAll(connection)
            server.resume()
            // At once: the replies to the abandoned commands come first.
            let going = try await Self.getAll(connection)
            for (index, outcome) in hanging + going {
                switch outcome {
                case .success(let value):
                    own += 1
                    #expect(value == .bulkString(ByteBuffer(string: "v\(index)")))
                case .failure(let failure):
                    late += 1
                    #expect(failure == .deadlineExceeded)
                }
            }
        }
        #expect(late > 0)
        #expect(own > 0)
        #expect(try await connection.onLoop { $0.isConnected && $0.counters.snapshot.failed == 0 })
        try await connection.close()
        try await filler.close()
    }

    private static func getAll(_ connection: LiveConnection) async throws -> [(Int, Result<RESPValue, RedisFailure>)] {
        await withTaskGroup(of: (Int, Result<RESPValue, RedisFailure>).self) { group in
            for index in 0..<200 {
                group.addTask {
                    do throws(RedisFailure) {
                        return (index, .success(try await connection.get(ByteBuffer(string: "k\(index)"))))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("a server that hangs for too long is left, and found again when it goes on")
    func dead() async throws {
        let server = try RedisServerProcess()
        var configuration = server.configuration
        configuration.commandDeadline = .milliseconds(30)
        configuration.deadConnectionTimeout = .milliseconds(200)
        configuration.connectTimeout = .milliseconds(200)
        let connection = try await LiveConnection.open(configuration)
        server.pause()
        await #expect(throws: RedisFailure.deadlineExceeded) { try await connection.get(self.key) }
        #expect(await connection.untilLost()?.code == .unresponsive)
        // The kernel accepts for the hanging server; it is the handshake that gets no answer.
        #expect(await connection.untilLost()?.code == .unresponsive)
        server.resume()
        await connection.untilReady()
        try await connection.close()
    }

    @Test("commands that the kernel still holds die with the connection")
    func abort() async throws {
        let server = try RedisServerProcess()
        var configuration = server.networkConfiguration
        configuration.commandDeadline = .milliseconds(100)
        configuration.deadConnectionTimeout = .milliseconds(300)
        let connection = try await LiveConnection.open(configuration)
        server.pause()
        let value = ByteBuffer(repeating: 1, count: 100_000)
        try await connection.onLoop { connection in
            let receiver = SilentReceiver()
            for index in 0..<100 {
                _ = connection.set(ByteBuffer(string: "k\(index)"), value, ttlMilliseconds: nil, token: 0, receiver: receiver)
            }
        }
        #expect(await connection.untilLost()?.code == .unresponsive)
        #expect(try Self.lingeringSockets(to: server.port) == [])
        server.resume()
        await connection.untilReady()
        try await connection.close()
    }

    /// Sockets that were closed while their kernel still had something to send: FIN_WAIT1 in the kernel's own table.
    private static func lingeringSockets(to port: Int) throws -> [String] {
        let suffix = ":" + String(port, radix: 16, uppercase: true)
        return try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8).split(separator: "\n").map(String.init).filter { line in
            let columns = line.split(separator: " ")
            return columns.count > 3 && columns[2].hasSuffix(suffix) && columns[3] == "04"
        }
    }

    @Test("a read-only replica is left after its answer was delivered")
    func readOnly() async throws {
        let server = try RedisServerProcess(configuration: ["replicaof 127.0.0.1 1"])
        let connection = try await LiveConnection.open(server.configuration)
        #expect(try await connection.get(self.key) == .null)
        let failure = await #expect(throws: RedisFailure.self) { try await connection.set(self.key, self.key) }
        #expect(failure?.serverErrorPrefix == "READONLY")
        #expect(await connection.untilLost()?.serverErrorPrefix == "READONLY")
        await connection.untilReady()
        try await connection.close()
    }

    @Test("a replica without its master never becomes ready")
    func masterDown() async throws {
        let server = try RedisServerProcess(configuration: ["replicaof 127.0.0.1 1", "replica-serve-stale-data no"])
        let connection = try await LiveConnection.start(server.configuration)
        #expect(await connection.untilLost()?.serverErrorPrefix == "MASTERDOWN")
        #expect(try await connection.onLoop { !$0.isConnected })
        try await connection.close()
    }
}
