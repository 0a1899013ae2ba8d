import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import RESP
import RedisTestSupport
import TestSupport
import Testing

@testable import RedisClient

/// The long calls, on a real event loop with a Redis in memory.
@Suite(.timeLimit(.minutes(1)))
struct RedisControlTests {
    private let redis = InMemoryRedis()

    private static let configuration = RedisConfiguration(
        endpoint: .unixSocket(path: "/test"), clientName: "mine", connectTimeout: .seconds(30), commandDeadline: .seconds(30),
        deadConnectionTimeout: .seconds(60), controlDeadline: .seconds(30))

    private func control(_ change: (inout RedisConfiguration) -> Void = { _ in }) -> RedisControl {
        var configuration = Self.configuration
        change(&configuration)
        return RedisControl(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, connector: self.redis)
    }

    private static func noPermission(_ key: String) -> String { "NOPERM this user has no permissions to access the '\(key)' key" }

    @Test("a pattern deletes what matches and nothing else, page by page and batch by batch", arguments: [(1, 1), (7, 3), (1000, 500)])
    func invalidate(scanCount: Int, batch: Int) async throws {
        for number in 0..<200 { self.redis.set("\(number % 2 == 0 ? "user" : "page"):\(number)", "v") }
        let control = self.control()
        #expect(try await control.countKeys(matching: Array("user:*".utf8), scanCount: scanCount) == 100)
        let deletion = try await control.invalidate(pattern: Array("user:*".utf8), scanCount: scanCount, batch: batch)
        #expect(deletion == RedisControl.Deletion(removed: 100))
        #expect(self.redis.contents().count == 100 && self.redis.contents().keys.allSatisfy { $0.hasPrefix("page:") })
        await control.shutDown()
    }

    @Test("all strings go, and what is of another type stays")
    func removeAllStrings() async throws {
        for number in 0..<50 { self.redis.set("s\(number)", "v") }
        self.redis.setList("queue")
        let control = self.control()
        #expect(try await control.removeAllStrings() == RedisControl.Deletion(removed: 50))
        #expect(self.redis.contents().keys.sorted() == ["queue"])
        await control.shutDown()
    }

    @Test("a key that the user may not delete keeps no other from being deleted")
    func refusedKeys() async throws {
        for number in 0..<20 { self.redis.set("k\(number)", "v") }
        self.redis.setRule { command in
            command.name == "UNLINK" && command.words.contains(Array("k7".utf8)) ? .answer(error: Self.noPermission("k7")) : .perform
        }
        let control = self.control()
        #expect(try await control.unlink(["k6", "k7", "k8"]) == [1])
        #expect(self.redis.contents().count == 18)
        #expect(try await control.invalidate(pattern: Array("k*".utf8)) == RedisControl.Deletion(removed: 17, refused: 1))
        #expect(self.redis.contents() == ["k7": "v"])
        await control.shutDown()
    }

    @Test("an error in the middle ends an invalidation, and what was deleted stays deleted")
    func errorInTheMiddle() async throws {
        for number in 0..<20 { self.redis.set("k\(number)", "v") }
        self.redis.setRule { command in
            command.name == "SCAN" && command.words[1] != Array("0".utf8) ? .answer(error: "ERR no more") : .perform
        }
        let control = self.control()
        await #expect(throws: RedisFailure(.serverError, "ERR no more", prefix: "ERR")) {
            try await control.invalidate(pattern: Array("*".utf8), scanCount: 5)
        }
        #expect(self.redis.contents().count == 15)
        await control.shutDown()
    }

    @Test("a connection that ends fails the call, and the next call opens another")
    func hangUp() async throws {
        let control = self.control()
        try await control.ping()
        self.redis.setRule { $0.name == "PING" ? .hangUp : .perform }
        await #expect(throws: RedisFailure.connectionClosed) { try await control.run([["DBSIZE"], ["PING"]]) }
        self.redis.setRule { _ in .perform }
        try await control.ping()
        #expect(self.redis.clients.count == 1)
        self.redis.setRefusing(true)
        self.redis.hangUp()
        await #expect(throws: RedisFailure.self) { try await control.ping() }
        await control.shutDown()
    }

    @Test("the statistics are those of INFO and of the selected database")
    func information() async throws {
        self.redis.set("a", "v", database: 3)
        self.redis.setRunIdentifier("run")
        self.redis.advance(milliseconds: 5000)
        let control = self.control { $0.database = 3 }
        let information = try await control.serverInformation()
        #expect(information.keyCount == 1)
        #expect(information.uptimeSeconds == 5)
        #expect(information.runIdentifier == "run" && information.role == "master")
        #expect(try await control.serverIdentifier() == "run")
        self.redis.setRule { $0.name == "INFO" ? .answer(error: "NOPERM this user has no permissions to run the 'info' command") : .perform }
        #expect(try await control.serverIdentifier() == nil)
        await #expect(throws: RedisFailure(.serverError, "", prefix: "NOPERM")) { try await control.serverInformation() }
        await control.shutDown()
    }

    @Test("a Redis that does not write is not verified; one that is full, or refuses this key, is")
    func verify() async throws {
        let control = self.control()
        try await control.verify(probeKey: Array("probe".utf8))
        #expect(self.redis.contents().isEmpty)
        for error in ["OOM command not allowed when used memory > 'maxmemory'.", Self.noPermission("probe")] {
            self.redis.setRule { $0.name == "SET" ? .answer(error: error) : .perform }
            try await control.verify(probeKey: Array("probe".utf8))
        }
        for (name, prefix) in [("SET", "READONLY"), ("GET", "LOADING"), ("UNLINK", "NOPERM")] {
            self.redis.setRule { $0.name == name ? .answer(error: "\(prefix) for the test") : .perform }
            await #expect(throws: RedisFailure(.serverError, "", prefix: prefix)) { try await control.verify(probeKey: Array("probe".utf8)) }
        }
        await control.shutDown()
    }

    @Test("the password is that of the configuration, over RESP3 and over RESP2")
    func password() async throws {
        let redis = InMemoryRedis(password: "secret")
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        for (knowsHello, password) in [(true, "secret"), (false, "secret"), (true, "wrong"), (false, "wrong")] {
            redis.setRule { $0.name == "HELLO" && !knowsHello ? .answer(error: "ERR unknown command 'HELLO'") : .perform }
            var configuration = Self.configuration
            configuration.password = RedisPassword(password)
            let control = RedisControl(
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: configuration, logger: logger, connector: redis)
            if password == "secret" {
                #expect(try await control.run([["GET", "k"]]) == [.null])
            } else {
                await #expect(throws: RedisFailure(.authenticationFailed, "", prefix: "WRONGPASS")) { try await control.ping() }
            }
            await control.shutDown()
        }
    }

    /// Memorystore bounds how many tokens it checks.
    @Test("a token that cannot be checked is tried once for each connection")
    func uncheckedToken() async throws {
        let redis = InMemoryRedis(password: "token")
        redis.setRule { $0.name == "HELLO" ? .answer(error: "ERR (ERR_IAM_EXHAUSTED)") : .perform }
        var configuration = Self.configuration
        configuration.password = "token"
        let control = RedisControl(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, connector: redis)
        await #expect(throws: RedisFailure(.iamUnavailable)) { try await control.ping() }
        #expect(redis.performed.allSatisfy { $0.name != "AUTH" })
        redis.setRule { _ in .perform }
        try await control.ping()
        await control.shutDown()
    }

    /// A SET that reached a stopped server over a connection that has ended for us since.
    /// - Returns: what the server called that connection.
    private func leaveAStalledSet() throws -> [Int64] {
        let loop = EmbeddedEventLoop()
        let connection = RedisConnection(
            eventLoop: loop, configuration: Self.configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            connector: self.redis)
        connection.connect()
        loop.run()
        #expect(connection.isConnected)
        self.redis.setRule { $0.name == "SET" ? .stall : .perform }
        let receiver = RecordingReceiver()
        receiver.note(connection.send(["SET", "k", "v"], token: 1, receiver: receiver), 1)
        loop.run()
        #expect(receiver.replies.isEmpty)
        connection.disconnect()
        loop.run()
        #expect(receiver.replies == ["1 connectionClosed"])
        return connection.takeEndedIdentifiers()
    }

    @Test("nothing is carried out behind the fence")
    func fence() async throws {
        let ended = try self.leaveAStalledSet()
        #expect(ended == [1] && self.redis.clients == [1])
        let control = self.control()
        #expect(try await control.fence(ended, clientName: "mine"))
        self.redis.release()
        #expect(self.redis.contents().isEmpty)
        #expect(!self.redis.clients.contains(1))
        await control.shutDown()
    }

    @Test("the connection of somebody else is left alone by the fence; without a fence, what a server has is carried out")
    func noFence() async throws {
        let ended = try self.leaveAStalledSet()
        let control = self.control()
        #expect(try await control.fence(ended + [77], clientName: "other"))
        #expect(self.redis.clients.contains(1))
        self.redis.release()
        #expect(self.redis.contents() == ["k": "v"])
        #expect(!self.redis.clients.contains(1))
        await control.shutDown()
    }

    @Test("a server that refuses CLIENT has no fence, and one that is not fit fails it", arguments: ["ERR unknown command", "NOPERM no"])
    func refusedFence(error: String) async throws {
        self.redis.setRule { $0.name == "CLIENT" ? .answer(error: error) : .perform }
        let control = self.control()
        #expect(try await !control.fence([5], clientName: "mine"))
        #expect(try await control.fence([], clientName: "mine"))
        #expect(await control.refusedOptionalCommands == ["CLIENT SETNAME"])
        self.redis.setRule { $0.text.hasPrefix("CLIENT LIST") ? .answer(error: "LOADING soon") : .perform }
        await #expect(throws: RedisFailure(.serverError, "", prefix: "LOADING")) { try await control.fence([5], clientName: "mine") }
        await control.shutDown()
    }
}
