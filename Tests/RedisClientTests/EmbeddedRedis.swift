import Logging
import NIOCore
import NIOEmbedded
import RESP
import Testing

@testable import RedisClient

/// A connection on a loop whose time and ticks the test moves, and the server's side of its channels.
final class EmbeddedRedis: RedisConnectionDelegate {
    let loop = EmbeddedEventLoop()
    let connector = EmbeddedConnector()
    let connection: RedisConnection
    private(set) var events: [String] = []
    private(set) var pushes: [[RESPValue]] = []
    /// Why there was no connection the last time that there was none.
    private(set) var lastFailure: RedisFailure?

    init(_ change: (inout RedisConfiguration) -> Void = { _ in }) {
        var configuration = RedisConfiguration(endpoint: .unixSocket(path: "/test"), clientName: nil)
        change(&configuration)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.connection = RedisConnection(eventLoop: self.loop, configuration: configuration, logger: logger, connector: self.connector)
        self.connection.delegate = self
    }

    /// A connection that is ready, with its handshake read.
    static func ready(_ change: (inout RedisConfiguration) -> Void = { _ in }) throws -> EmbeddedRedis {
        let redis = EmbeddedRedis(change)
        redis.connection.connect()
        try redis.shakeHands()
        return redis
    }

    var channel: EmbeddedChannel {
        get throws {
            try #require(self.connector.channels.last)
        }
    }

    var flushes: Int { self.connector.counters.last?.flushes ?? 0 }

    func shakeHands() throws {
        #expect(try self.written() == "*2|$5|HELLO|$1|3|*1|$4|PING|")
        try self.server("%0|+PONG|")
        #expect(self.connection.isConnected)
    }

    /// What was written since the last call, with | for CRLF.
    func written() throws -> String {
        var text = ""
        while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) {
            text += String(buffer: buffer).split(separator: "\r\n", omittingEmptySubsequences: false).joined(separator: "|")
        }
        return text
    }

    /// The server sends bytes, with | for CRLF, in one read.
    func server(_ text: String) throws {
        try self.channel.writeInbound(ByteBuffer(string: text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\r\n")))
    }

    func tick() {
        self.loop.run()
    }

    func advance(_ milliseconds: Int64) {
        self.loop.advanceTime(by: .milliseconds(milliseconds))
    }

    func note(_ event: String) {
        self.events.append(event)
    }

    /// A refusal is noted by the receiver like a reply.
    func get(_ key: String, _ token: UInt64, _ receiver: RecordingReceiver) {
        receiver.note(self.connection.get(ByteBuffer(string: key), token: token, receiver: receiver), token)
    }

    func redisConnectionReady() {
        self.events.append("ready")
    }

    func redisConnectionLost(_ failure: RedisFailure) {
        self.lastFailure = failure
        self.events.append("lost \(failure)")
    }

    func redisPushed(_ elements: [RESPValue]) {
        self.pushes.append(elements)
    }
}
