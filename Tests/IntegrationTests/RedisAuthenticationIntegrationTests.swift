import NIOCore
import RESP
import TestSupport
import Testing

@testable import RedisClient

@Suite(.enabled(if: RedisServerProcess.isAvailable, "needs redis-server"), .timeLimit(.minutes(5)))
struct RedisAuthenticationIntegrationTests {
    /// What Memorystore for Redis refuses.
    private static let managedProfile =
        "user default on >s3cret ~* &* +@all -acl -bgrewriteaof -bgsave -client -cluster -command -config -debug -lastsave -migrate -object "
        + "-replicaof -save -shutdown"

    @Test("a password for the default user")
    func requirePass() async throws {
        let server = try RedisServerProcess(configuration: ["requirepass s3cret"])
        var configuration = server.configuration
        configuration.password = "s3cret"
        let connection = try await LiveConnection.open(configuration)
        let session = try await connection.onLoop { $0.session }
        #expect(session?.protocolVersion == 3 && session?.refusedOptionalCommands == [])
        #expect(try await connection.sender.send(["CLIENT", "ID"]) == session?.clientIdentifier.map { .integer($0) })
        #expect(try await connection.sender.send(["CLIENT", "GETNAME"]) == .bulkString(ByteBuffer(string: "redis-caching-agent")))
        try await connection.close()
    }

    @Test("a user of the access control list")
    func user() async throws {
        let server = try RedisServerProcess(configuration: ["user agent on >s3cret ~* &* +@all", "user default off"])
        var configuration = server.configuration
        configuration.user = "agent"
        configuration.password = "s3cret"
        let connection = try await LiveConnection.open(configuration)
        #expect(try await connection.sender.send(["ACL", "WHOAMI"]) == .bulkString(ByteBuffer(string: "agent")))
        try await connection.close()
    }

    @Test(
        "wrong or missing credentials: the reason can be asked for, without the secret",
        arguments: [
            (["requirepass s3cret"], "wr0ng", "WRONGPASS"), (["requirepass s3cret"], nil, "NOAUTH"),
            (["requirepass s3cret", "rename-command HELLO \"\""], "wr0ng", "WRONGPASS"),
            (["requirepass s3cret", "rename-command HELLO \"\""], nil, "NOAUTH"),
            (["requirepass s3cret", "rename-command HELLO \"\"", "rename-command AUTH \"\""], "wr0ng", "ERR"),
        ] as [([String], String?, String)]
    )
    func refused(_ lines: [String], _ password: String?, _ prefix: String) async throws {
        let server = try RedisServerProcess(configuration: lines)
        var configuration = server.configuration
        configuration.password = password.map { RedisPassword($0) }
        let connection = try await LiveConnection.start(configuration)
        let failure = await connection.untilLost()
        #expect(failure?.code == .authenticationFailed)
        #expect(failure?.serverErrorPrefix == prefix)
        #expect(failure.map { !"\($0) \($0.logMessage ?? "")".contains("wr0ng") } == true)
        await #expect(throws: RedisFailure.notConnected) { try await connection.sender.send(["PING"]) }
        try await connection.close()
    }

    @Test("without HELLO RESP2 is spoken, with a password and without", arguments: [true, false])
    func fallback(withPassword: Bool) async throws {
        let server = try RedisServerProcess(configuration: ["rename-command HELLO \"\""] + (withPassword ? ["requirepass s3cret"] : []))
        var configuration = server.configuration
        configuration.password = withPassword ? "s3cret" : nil
        configuration.database = 2
        let connection = try await LiveConnection.open(configuration)
        #expect(try await connection.onLoop { $0.session } == RedisSession(protocolVersion: 2, refusedOptionalCommands: []))
        let key = ByteBuffer(string: "k")
        #expect(try await connection.get(key) == .null)
        _ = try await connection.set(key, ByteBuffer(string: "v"))
        #expect(try await connection.get(key) == .bulkString(ByteBuffer(string: "v")))
        try await connection.close()
        let control = RedisControl(eventLoop: connection.eventLoop, configuration: configuration, logger: .silent)
        #expect(try await control.serverInformation().keyCount == 1)
        #expect(try await control.invalidate(pattern: Array("*".utf8)).removed == 1)
        await control.shutDown()
    }

    @Test("a managed Redis that refuses CLIENT and others is good enough, and what it refused is known")
    func managed() async throws {
        let server = try RedisServerProcess(configuration: [Self.managedProfile])
        var configuration = server.networkConfiguration
        configuration.password = "s3cret"
        let connection = try await LiveConnection.open(configuration)
        #expect(try await connection.onLoop { $0.session?.refusedOptionalCommands } == ["CLIENT SETNAME"])
        let key = ByteBuffer(string: "k")
        _ = try await connection.set(key, ByteBuffer(string: "v"), ttlMilliseconds: 100_000)
        #expect(try await connection.get(key) == .bulkString(ByteBuffer(string: "v")))
        let control = RedisControl(eventLoop: connection.eventLoop, configuration: configuration, logger: .silent)
        let information = try await control.serverInformation()
        #expect(information.role == "master")
        #expect(information.keyCount == 1)
        #expect(try await control.countKeys(matching: Array("k*".utf8)) == 1)
        #expect(try await control.invalidate(pattern: Array("k*".utf8)).removed == 1)
        await control.shutDown()
        try await connection.close()
    }

    /// Redis refuses a whole UNLINK for one such key; the others must go all the same.
    @Test("keys that the user may not touch do not keep others from being deleted")
    func keyPatterns() async throws {
        let server = try RedisServerProcess(configuration: [
            "user default on nopass ~mine:* &* +@all", "user admin on >s3cret ~* &* +@all",
        ])
        var configuration = server.configuration
        configuration.user = "admin"
        configuration.password = "s3cret"
        let admin = try await LiveConnection.open(configuration)
        let keys = (0..<1200).map { $0 % 3 == 0 ? "other:\($0)" : "mine:\($0)" }
        for key in keys { _ = try await admin.set(ByteBuffer(string: key), ByteBuffer(string: "v")) }
        let control = RedisControl(eventLoop: admin.eventLoop, configuration: server.configuration, logger: .silent)
        let refused = try await control.unlink(keys.prefix(600).map { .string($0) })
        #expect(refused == Set((0..<600).filter { $0 % 3 == 0 }))
        #expect(try await admin.sender.send(["DBSIZE"]) == .integer(800))
        #expect(try await control.invalidate(pattern: Array("*".utf8)) == RedisControl.Deletion(removed: 400, refused: 400))
        #expect(try await admin.sender.send(["DBSIZE"]) == .integer(400))
        #expect(try await control.removeAllStrings() == RedisControl.Deletion(removed: 0, refused: 400))
        await control.shutDown()
        try await admin.close()
    }
}
