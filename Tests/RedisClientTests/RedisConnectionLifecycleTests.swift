import NIOCore
import NIOEmbedded
import RESP
import Testing

@testable import RedisClient

@Suite
struct RedisConnectionLifecycleTests {
    @Test("a lost connection: the delegate hears first, then every command, and another can be made")
    func lost() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        receiver.reaction = { redis.note("receiver \($0.map(String.init(describing:)) ?? "")") }
        redis.get("a", 1, receiver)
        redis.tick()
        redis.get("b", 2, receiver)
        try redis.channel.close().wait()
        #expect(redis.events == ["ready", "lost connectionClosed", "receiver connectionClosed", "receiver connectionClosed"])
        #expect(redis.lastFailure == .connectionClosed)
        #expect(!redis.connection.isConnected)
        redis.tick()
        redis.advance(60_000)
        #expect(redis.connector.attempts == 1)
        redis.connection.connect()
        // What was not sent to the old socket is not sent to the new one either.
        try redis.shakeHands()
        redis.get("c", 3, RecordingReceiver())
        redis.tick()
        #expect(try redis.written() == "*2|$3|GET|$1|c|")
    }

    @Test("an attempt that fails is reported, and not repeated by itself")
    func refused() throws {
        let redis = EmbeddedRedis()
        redis.connector.refuses = true
        redis.connection.connect()
        redis.advance(60_000)
        #expect(redis.connector.attempts == 1)
        #expect(redis.events == ["lost connectFailed"])
        #expect(redis.lastFailure?.code == .connectFailed)
        redis.connector.refuses = false
        redis.connection.connect()
        redis.connection.connect()
        #expect(redis.connector.attempts == 2)
        try redis.shakeHands()
    }

    @Test("disconnect fails the commands, tells the delegate nothing, and remembers what the server called the connection")
    func disconnect() throws {
        let redis = EmbeddedRedis()
        redis.connection.connect()
        _ = try redis.written()
        try redis.server("%1|$2|id|:42|+PONG|")
        let receiver = RecordingReceiver()
        redis.get("a", 1, receiver)
        redis.connection.disconnect()
        redis.connection.disconnect()
        #expect(receiver.replies == ["1 connectionClosed"])
        #expect(redis.events == ["ready"])
        #expect(try !redis.channel.isActive)
        #expect(redis.connection.takeEndedIdentifiers() == [42])
        #expect(redis.connection.takeEndedIdentifiers() == [])
        redis.tick()
        redis.connection.connect()
        try redis.shakeHands()
    }

    @Test("an idle connection is asked for a sign of life, and left without one")
    func keepAlive() throws {
        let redis = try EmbeddedRedis.ready()
        redis.advance(29_999)
        #expect(try redis.written() == "")
        redis.advance(1)
        #expect(try redis.written() == "*1|$4|PING|")
        try redis.server("+PONG|")
        redis.advance(30_000)
        #expect(try redis.written() == "*1|$4|PING|")
        redis.advance(1000)
        #expect(redis.events == ["ready", "lost unresponsive"])
    }

    @Test("a late reply is reported, that of a connection that ended is not")
    func late() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        redis.get("a", 1, receiver)
        redis.get("b", 2, receiver)
        redis.tick()
        redis.advance(30)
        try redis.server("$1|x|")
        redis.connection.disconnect()
        #expect(receiver.replies == ["1 deadlineExceeded", "2 deadlineExceeded", "1 late"])
    }

    @Test("a handshake without an answer is given up")
    func handshakeTimeout() throws {
        let redis = EmbeddedRedis()
        redis.connection.connect()
        let first = try redis.channel
        redis.advance(999)
        #expect(first.isActive)
        redis.advance(1)
        #expect(!first.isActive)
        #expect(redis.events == ["lost unresponsive"])
        redis.connection.connect()
        _ = try redis.channel.readOutbound(as: ByteBuffer.self)
        try redis.server("%0|+PONG|")
        #expect(redis.connection.isConnected)
    }

    @Test("wrong credentials are a reason of their own")
    func wrongPassword() throws {
        let redis = EmbeddedRedis { $0.password = "s3cret" }
        redis.connection.connect()
        try redis.server("-WRONGPASS invalid username-password pair|")
        #expect(redis.lastFailure?.code == .authenticationFailed)
        #expect(redis.lastFailure?.serverErrorPrefix == "WRONGPASS")
    }

    @Test("an unfit peer is left: its error is delivered, the neighbours are told")
    func unfit() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        receiver.reaction = { _ in
            redis.note("told")
            redis.get("again", 9, RecordingReceiver())
        }
        let first = try redis.channel
        redis.get("a", 1, receiver)
        redis.get("b", 2, receiver)
        redis.tick()
        try redis.server("-READONLY You can't write against a read only replica.|$1|x|")
        #expect(receiver.replies == ["1 serverError READONLY", "2 connectionClosed"])
        #expect(redis.events == ["ready", "lost serverError READONLY", "told", "told"])
        #expect(!first.isActive)
    }

    @Test("silence while a reply is owed closes the connection and nothing else does")
    func silence() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        redis.advance(29_000)
        redis.get("a", 1, receiver)
        redis.tick()
        redis.advance(999)
        #expect(receiver.replies == ["1 deadlineExceeded"])
        #expect(redis.connection.isConnected)
        redis.get("b", 2, receiver)
        redis.tick()
        redis.advance(1)
        #expect(receiver.replies == ["1 deadlineExceeded", "2 connectionClosed"])
        #expect(!redis.connection.isConnected)
        redis.connection.connect()
        try redis.shakeHands()
    }

    @Test("bytes that are not RESP close the connection")
    func protocolViolation() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        redis.get("a", 1, receiver)
        redis.tick()
        try redis.server("HTTP/1.1 400 Bad Request|")
        #expect(receiver.replies == ["1 connectionClosed"])
        #expect(redis.lastFailure?.code == .protocolViolation)
    }

    @Test("a closed channel has nothing more to say")
    func stale() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        let first = try redis.channel
        try redis.server("-ERR max number of clients reached|")
        redis.connection.connect()
        try redis.shakeHands()
        redis.get("a", 1, receiver)
        redis.tick()
        first.pipeline.fireChannelRead(ByteBuffer(string: "$5\r\nstale\r\n"))
        first.pipeline.fireChannelInactive()
        try redis.server("$5|fresh|")
        #expect(receiver.replies == ["1 fresh"])
    }

    @Test("close waits for the replies owed, and takes no more commands")
    func close() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        redis.get("a", 1, receiver)
        let closed = redis.connection.close()
        redis.get("b", 2, receiver)
        redis.tick()
        #expect(try redis.written() == "*2|$3|GET|$1|a|")
        #expect(try redis.channel.isActive)
        try redis.server("$1|x|")
        #expect(receiver.replies == ["2 notConnected", "1 x"])
        #expect(try !redis.channel.isActive)
        redis.tick()
        try closed.wait()
        redis.advance(60_000)
        #expect(redis.connector.attempts == 1)
    }

    @Test("close does not wait longer than its deadline")
    func closeDeadline() throws {
        let redis = try EmbeddedRedis.ready { $0.commandDeadline = .seconds(5) }
        let receiver = RecordingReceiver()
        redis.get("a", 1, receiver)
        let closed = redis.connection.close(deadline: redis.loop.now + .milliseconds(100))
        redis.advance(99)
        #expect(receiver.replies == [])
        redis.advance(1)
        #expect(receiver.replies == ["1 connectionClosed"])
        redis.tick()
        try closed.wait()
    }

    @Test("close at any time, twice, from within a reply", arguments: ["before", "connecting", "handshaking", "resting", "replying"])
    func closeAnywhere(_ moment: String) throws {
        let redis = EmbeddedRedis()
        var futures: [EventLoopFuture<Void>] = []
        let close = { futures.append(redis.connection.close()) }
        if moment != "before" {
            redis.connector.stalls = moment == "connecting"
            redis.connector.refuses = moment == "resting"
            redis.connection.connect()
        }
        if moment == "replying" {
            try redis.shakeHands()
            let receiver = RecordingReceiver()
            receiver.reaction = { _ in close() }
            redis.get("a", 1, receiver)
            redis.get("b", 2, RecordingReceiver())
            redis.tick()
            try redis.server("$1|x|$1|y|")
        }
        close()
        close()
        redis.connector.refuses = false
        redis.connector.completeAttempts(on: redis.loop)
        redis.advance(60_000)
        for future in futures {
            try future.wait()
        }
        #expect(redis.connector.attempts == (moment == "before" ? 0 : 1))
        #expect(redis.connector.channels.allSatisfy { !$0.isActive })
    }

    @Test("nothing keeps a closed connection alive")
    func released() throws {
        weak var released: RedisConnection?
        do {
            let redis = try EmbeddedRedis.ready()
            released = redis.connection
            redis.get("a", 1, RecordingReceiver())
            redis.tick()
            try redis.server("$1|x|")
            try redis.connection.close().wait()
            redis.advance(60_000)
        }
        #expect(released == nil)
    }
}
