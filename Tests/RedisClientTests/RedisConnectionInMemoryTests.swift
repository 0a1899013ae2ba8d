import Logging
import NIOCore
import NIOEmbedded
import RESP
import RedisTestSupport
import Testing

@testable import RedisClient

/// One connection to a Redis in memory, on a loop whose time the test moves.
@Suite
struct RedisConnectionInMemoryTests {
    private final class Observer: RedisConnectionDelegate {
        private(set) var failures: [RedisFailure] = []

        func redisConnectionReady() {}

        func redisConnectionLost(_ failure: RedisFailure) {
            self.failures.append(failure)
        }
    }

    private let redis = InMemoryRedis()
    private let loop = EmbeddedEventLoop()
    private let connection: RedisConnection
    private let observer = Observer()
    private let receiver = RecordingReceiver()

    init() {
        self.connection = RedisConnection(
            eventLoop: self.loop, configuration: RedisConfiguration(endpoint: .unixSocket(path: "/test"), database: 2),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, connector: self.redis)
        self.connection.delegate = self.observer
    }

    private func connect() {
        self.connection.connect()
        self.loop.run()
    }

    private func set(_ key: String, _ value: String, ttlMilliseconds: Int64? = nil, _ token: UInt64) {
        let refusal = self.connection.set(
            ByteBuffer(string: key), ByteBuffer(string: value), ttlMilliseconds: ttlMilliseconds, token: token, receiver: self.receiver)
        self.receiver.note(refusal, token)
    }

    private func get(_ key: String, _ token: UInt64) {
        self.receiver.note(self.connection.get(ByteBuffer(string: key), token: token, receiver: self.receiver), token)
    }

    @Test("the handshake names the client and selects the database", arguments: [2, 3])
    func handshake(version: Int) {
        self.redis.setRule { $0.name == "HELLO" && version == 2 ? .answer(error: "ERR unknown command 'HELLO'") : .perform }
        self.connect()
        #expect(self.connection.isConnected)
        #expect(self.connection.session?.protocolVersion == version)
        #expect(self.connection.session?.clientIdentifier == (version == 3 ? 1 : nil))
        let expected = (version == 3 ? ["HELLO 3"] : []) + ["CLIENT SETNAME redis-caching-agent", "SELECT 2", "PING"]
        #expect(self.redis.performed.map(\.text) == expected)
    }

    @Test("what is set is there until its time is over", arguments: [2, 3])
    func expiry(version: Int) {
        self.redis.setRule { $0.name == "HELLO" && version == 2 ? .answer(error: "ERR unknown command 'HELLO'") : .perform }
        self.connect()
        self.set("k", "v", ttlMilliseconds: 10, 1)
        self.get("k", 2)
        self.loop.run()
        self.redis.advance(milliseconds: 4)
        self.receiver.note(self.connection.pttl(ByteBuffer(string: "k"), token: 3, receiver: self.receiver), 3)
        self.loop.run()
        self.redis.advance(milliseconds: 6)
        self.get("k", 4)
        self.receiver.note(self.connection.unlink(ByteBuffer(string: "k"), token: 5, receiver: self.receiver), 5)
        self.loop.run()
        #expect(self.receiver.replies == ["1 OK", "2 v", "3 integer(6)", "4 null", "5 integer(0)"])
        #expect(self.redis.contents(database: 0).isEmpty && self.redis.contents(database: 2).isEmpty)
    }

    @Test("a reply after the deadline counts as late, and its command was carried out")
    func lateReply() {
        self.connect()
        self.redis.setRule { $0.name == "SET" ? .withholdReply : .perform }
        self.set("k", "v", 1)
        self.get("k", 2)
        self.loop.run()
        #expect(self.redis.contents(database: 2) == ["k": "v"])
        self.loop.advanceTime(by: .milliseconds(30))
        #expect(self.receiver.replies == ["1 deadlineExceeded", "2 deadlineExceeded"])
        self.redis.release()
        self.loop.run()
        #expect(self.receiver.replies.dropFirst(2) == ["1 late", "2 late"])
        #expect(self.observer.failures.isEmpty && self.connection.isConnected)
        self.get("k", 3)
        self.loop.run()
        #expect(self.receiver.replies.last == "3 v")
    }

    @Test("a server that stops is left after the time of silence, and carries out later what it already had")
    func silence() {
        self.connect()
        self.redis.setRule { $0.name == "SET" ? .stall : .perform }
        self.set("k", "v", 1)
        self.loop.run()
        self.loop.advanceTime(by: .seconds(1))
        #expect(self.receiver.replies == ["1 deadlineExceeded"])
        #expect(self.observer.failures.map(\.code) == [.unresponsive])
        #expect(self.redis.contents(database: 2).isEmpty)
        self.redis.release()
        #expect(self.redis.contents(database: 2) == ["k": "v"])
        #expect(self.redis.clients.isEmpty)
    }

    @Test("a server that ends the connection fails what it owes; the next connection is another client")
    func hangUp() {
        self.connect()
        self.redis.setRule { $0.name == "GET" ? .hangUp : .perform }
        self.get("k", 1)
        self.loop.run()
        #expect(self.receiver.replies == ["1 connectionClosed"])
        #expect(self.observer.failures.map(\.code) == [.connectionClosed])
        self.redis.setRefusing(true)
        self.connect()
        #expect(self.observer.failures.map(\.code) == [.connectionClosed, .connectFailed])
        self.redis.setRefusing(false)
        self.connect()
        #expect(self.connection.session?.clientIdentifier == 2)
        #expect(self.connection.takeEndedIdentifiers() == [1])
    }

    @Test("a peer that may not write is left, after its error was delivered")
    func readOnly() {
        self.connect()
        self.redis.setRule { $0.name == "SET" ? .answer(error: "READONLY You can't write against a read only replica.") : .perform }
        self.set("k", "v", 1)
        self.get("k", 2)
        self.loop.run()
        #expect(self.receiver.replies == ["1 serverError READONLY", "2 connectionClosed"])
        #expect(self.observer.failures == [RedisFailure(.serverError, "", prefix: "READONLY")])
    }
}
