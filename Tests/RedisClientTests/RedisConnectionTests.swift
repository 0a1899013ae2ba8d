import NIOCore
import NIOEmbedded
import RESP
import TestSupport
import Testing

@testable import RedisClient

@Suite
struct RedisConnectionTests {
    @Test("the commands of one tick leave in one write and one flush")
    func oneFlushPerTick() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        let flushesBefore = redis.flushes
        redis.get("a", 1, receiver)
        let refusals = [
            redis.connection.set(ByteBuffer(string: "b"), ByteBuffer(string: "v"), ttlMilliseconds: 5, token: 2, receiver: receiver),
            redis.connection.pttl(ByteBuffer(string: "c"), token: 3, receiver: receiver),
            redis.connection.unlink(ByteBuffer(string: "d"), token: 4, receiver: receiver),
            redis.connection.send(["DBSIZE"], token: 5, receiver: receiver),
        ]
        #expect(refusals == [nil, nil, nil, nil])
        #expect(try redis.written() == "")
        redis.tick()
        #expect(
            try redis.written()
                == "*2|$3|GET|$1|a|*5|$3|SET|$1|b|$1|v|$2|PX|$1|5|*2|$4|PTTL|$1|c|*2|$6|UNLINK|$1|d|*1|$6|DBSIZE|"
        )
        #expect(redis.flushes == flushesBefore + 1)
        redis.tick()
        #expect(redis.flushes == flushesBefore + 1)
        redis.get("e", 6, receiver)
        redis.tick()
        #expect(redis.flushes == flushesBefore + 2)
        #expect(try redis.written() == "*2|$3|GET|$1|e|")
    }

    @Test("the replies of one read are delivered in that read, and what they cause leaves in one write")
    func replies() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        receiver.reaction = { _ in redis.get("next", 9, RecordingReceiver()) }
        for token in 1...4 as ClosedRange<UInt64> {
            redis.get("k", token, receiver)
        }
        redis.tick()
        _ = try redis.written()
        let flushesBefore = redis.flushes
        try redis.server("$1|x|$-1|-ERR no|:7|")
        #expect(receiver.replies == ["1 x", "2 null", "3 serverError ERR", "4 integer(7)"])
        redis.tick()
        #expect(redis.flushes == flushesBefore + 1)
        #expect(try redis.written() == String(repeating: "*2|$3|GET|$4|next|", count: 4))
    }

    @Test("a tracked read is two commands, each with its receiver")
    func trackedRead() throws {
        let redis = try EmbeddedRedis.ready()
        let (receiver, consents) = (RecordingReceiver(), RecordingReceiver())
        #expect(redis.connection.trackedGet(ByteBuffer(string: "k"), token: 7, receiver: receiver, consentReceiver: consents) == nil)
        redis.tick()
        #expect(try redis.written() == "*3|$6|CLIENT|$7|CACHING|$3|YES|*2|$3|GET|$1|k|")
        try redis.server("-ERR no|$1|x|")
        #expect(consents.replies == ["7 serverError ERR"])
        #expect(receiver.replies == ["7 x"])
    }

    @Test("a tracked read that is refused half-way leaves the replies in order")
    func trackedReadThatIsRefused() throws {
        let redis = try EmbeddedRedis.ready { $0.maximumPendingCommands = 2 }
        let (receiver, consents) = (RecordingReceiver(), RecordingReceiver())
        redis.get("a", 1, receiver)
        #expect(redis.connection.trackedGet(ByteBuffer(string: "b"), token: 2, receiver: receiver, consentReceiver: consents) == .queueFull)
        #expect(redis.connection.trackedGet(ByteBuffer(string: "c"), token: 3, receiver: receiver, consentReceiver: consents) == .queueFull)
        redis.tick()
        #expect(try redis.written() == "*2|$3|GET|$1|a|*3|$6|CLIENT|$7|CACHING|$3|YES|")
        try redis.server("$1|x|+OK|")
        #expect(receiver.replies == ["1 x"])
        #expect(consents.replies.count == 1)
    }

    @Test("a command for a node that another has named follows an ASKING, whose reply nobody hears")
    func asking() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        let (key, value) = (ByteBuffer(string: "k"), ByteBuffer(string: "v"))
        let refusals = [
            redis.connection.askingGet(key, token: 1, receiver: receiver), redis.connection.askingPTTL(key, token: 1, receiver: receiver),
            redis.connection.askingSet(key, value, ttlMilliseconds: nil, token: 2, receiver: receiver),
            redis.connection.askingSet(key, value, ttlMilliseconds: 5, token: 3, receiver: receiver),
            redis.connection.askingUnlink(key, token: 4, receiver: receiver),
        ]
        #expect(refusals == [nil, nil, nil, nil, nil])
        redis.tick()
        let commands = [
            "*2|$3|GET|$1|k|", "*2|$4|PTTL|$1|k|", "*3|$3|SET|$1|k|$1|v|", "*5|$3|SET|$1|k|$1|v|$2|PX|$1|5|", "*2|$6|UNLINK|$1|k|",
        ]
        #expect(try redis.written() == commands.map { "*1|$6|ASKING|" + $0 }.joined())
        try redis.server("+OK|$1|x|+OK|:7|-ERR no|-MOVED 1 h:1|+OK|+OK|+OK|:1|")
        #expect(receiver.replies == ["1 x", "1 integer(7)", "2 serverError MOVED", "3 OK", "4 integer(1)"])
    }

    @Test("an ASKING is never sent without its command")
    func askingWithoutRoom() throws {
        let redis = try EmbeddedRedis.ready { $0.maximumPendingCommands = 3 }
        let receiver = RecordingReceiver()
        let key = ByteBuffer(string: "k")
        for token in 1...2 as ClosedRange<UInt64> { redis.get("a", token, receiver) }
        receiver.note(redis.connection.askingGet(key, token: 3, receiver: receiver), 3)
        redis.tick()
        #expect(try redis.written() == "*2|$3|GET|$1|a|*2|$3|GET|$1|a|")
        try redis.server("$1|x|$1|y|")
        let large = ByteBuffer(repeating: 0, count: redis.connection.configuration.maximumBatchBytes)
        receiver.note(redis.connection.askingSet(key, large, ttlMilliseconds: nil, token: 4, receiver: receiver), 4)
        redis.connection.disconnect()
        receiver.note(redis.connection.askingGet(key, token: 5, receiver: receiver), 5)
        #expect(receiver.replies == ["3 queueFull", "1 x", "2 y", "4 queueFull", "5 notConnected"])
        #expect(redis.connection.counters.snapshot.rejected == 3)
    }

    @Test("without a connection a command is refused at once")
    func notConnected() throws {
        let redis = EmbeddedRedis()
        let receiver = RecordingReceiver()
        redis.get("a", 1, receiver)
        redis.connector.stalls = true
        redis.connection.connect()
        redis.get("a", 2, receiver)
        redis.connector.completeAttempts(on: redis.loop)
        redis.get("a", 3, receiver)
        #expect(receiver.replies == ["1 notConnected", "2 notConnected", "3 notConnected"])
        try redis.shakeHands()
        redis.tick()
        #expect(try redis.written() == "")
        #expect(redis.events == ["ready"])
    }

    @Test("a deadline abandons one command and hurts no neighbour")
    func deadline() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        redis.get("a", 1, receiver)
        redis.tick()
        redis.advance(20)
        redis.get("b", 2, receiver)
        redis.tick()
        redis.advance(9)
        #expect(receiver.replies == [])
        redis.advance(1)
        #expect(receiver.replies == ["1 deadlineExceeded"])
        try redis.server("$4|of a|$4|of b|")
        #expect(receiver.replies == ["1 deadlineExceeded", "1 late", "2 of b"])
        redis.advance(10_000)
        #expect(redis.connection.isConnected)
    }

    @Test("random deadlines and replies never mix up whose reply is whose", arguments: 0..<30 as Range<UInt64>)
    func neverMixedUp(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let redis = try EmbeddedRedis.ready { $0.deadConnectionTimeout = .seconds(600) }
        let receiver = RecordingReceiver()
        var sent: UInt64 = 0
        var answered: UInt64 = 0
        for _ in 0..<500 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                redis.get("k", sent, receiver)
                sent += 1
                redis.tick()
            case 2 where answered < sent:
                try redis.server(":\(answered)|")
                answered += 1
            default:
                redis.advance(Int64.random(in: 0...20, using: &random))
            }
        }
        redis.advance(1000)
        let replies = receiver.replies.filter { !$0.hasSuffix(" late") }
        #expect(replies.count == Int(sent), "seed \(seed)")
        var tokens = Set<Substring>()
        for reply in replies {
            let parts = reply.split(separator: " ", maxSplits: 1)
            #expect(parts[1] == "integer(\(parts[0]))" || parts[1] == "deadlineExceeded", "seed \(seed): \(reply)")
            #expect(tokens.insert(parts[0]).inserted, "seed \(seed): reported twice")
        }
    }

    @Test("a slow socket: commands collect up to the bound, then leave together")
    func backpressure() throws {
        let redis = try EmbeddedRedis.ready { $0.maximumBatchBytes = 1024 }
        let receiver = RecordingReceiver()
        let flushesBefore = redis.flushes
        try redis.channel.isWritable = false
        redis.get("a", 1, receiver)
        redis.tick()
        redis.get("b", 2, receiver)
        redis.tick()
        #expect(try redis.written() == "")
        redis.get(String(repeating: "c", count: 1000), 3, receiver)
        #expect(receiver.replies == ["3 queueFull"])
        try redis.channel.isWritable = true
        try redis.channel.pipeline.fireChannelWritabilityChanged()
        #expect(try redis.written() == "*2|$3|GET|$1|a|*2|$3|GET|$1|b|")
        #expect(redis.flushes == flushesBefore + 1)
        redis.get(String(repeating: "c", count: 800), 4, receiver)
        #expect(receiver.replies == ["3 queueFull"])
    }

    @Test("the number of pending commands is bounded, and abandoned ones count")
    func pendingBound() throws {
        let redis = try EmbeddedRedis.ready { $0.maximumPendingCommands = 2 }
        let receiver = RecordingReceiver()
        redis.get("a", 1, receiver)
        redis.get("b", 2, receiver)
        redis.get("c", 3, receiver)
        #expect(receiver.replies == ["3 queueFull"])
        redis.tick()
        redis.advance(30)
        redis.get("d", 4, receiver)
        #expect(receiver.replies == ["3 queueFull", "1 deadlineExceeded", "2 deadlineExceeded", "4 queueFull"])
        try redis.server("$-1|")
        redis.get("e", 5, receiver)
        #expect(redis.connection.machine.pendingCount == 2)
    }

    @Test("pushes go to the delegate, unknown ones too")
    func pushes() throws {
        let redis = try EmbeddedRedis.ready()
        let receiver = RecordingReceiver()
        redis.get("a", 1, receiver)
        redis.tick()
        try redis.server(">2|+invalidate|_|$1|v|>1|+what|")
        #expect(receiver.replies == ["1 v"])
        #expect(redis.pushes == [[.simpleString(ByteBuffer(string: "invalidate")), .null], [.simpleString(ByteBuffer(string: "what"))]])
        #expect(redis.connection.isConnected)
    }

    @Test("a big value in small reads", arguments: [1, 1000, 65_536])
    func bigValue(readLength: Int) throws {
        let redis = try EmbeddedRedis.ready()
        let value = String(repeating: "v", count: readLength == 1 ? 2000 : 300_000)
        let receiver = RecordingReceiver()
        redis.get("a", 1, receiver)
        redis.get("b", 2, receiver)
        redis.tick()
        var wire = ByteBuffer(string: "$\(value.utf8.count)\r\n\(value)\r\n$1\r\nw\r\n")
        while let piece = wire.readSlice(length: min(readLength, wire.readableBytes)), piece.readableBytes > 0 {
            try redis.channel.writeInbound(piece)
        }
        #expect(receiver.replies == ["1 \(value)", "2 w"])
    }

    @Test("RESP2 is spoken when there is no HELLO")
    func fallback() throws {
        let redis = EmbeddedRedis {
            $0.password = "p"
            $0.database = 1
        }
        redis.connection.connect()
        #expect(try redis.written() == "*5|$5|HELLO|$1|3|$4|AUTH|$7|default|$1|p|*2|$6|SELECT|$1|1|*1|$4|PING|")
        try redis.server("-ERR unknown command|-NOAUTH no|-NOAUTH no|")
        #expect(try redis.written() == "*2|$4|AUTH|$1|p|*2|$6|SELECT|$1|1|*1|$4|PING|")
        try redis.server("+OK|+OK|+PONG|")
        #expect(redis.connection.isConnected)
        #expect(redis.connection.session == RedisSession(protocolVersion: 2, refusedOptionalCommands: []))
    }

    @Test("the buffers take turns, and a buffer that somebody still holds is not written to")
    func batch() {
        var batch = RedisCommandBatch()
        func storage(_ buffer: ByteBuffer) -> Int { buffer.withVeryUnsafeBytes { Int(bitPattern: $0.baseAddress) } }
        batch.buffer.writeString("one")
        var taken: ByteBuffer? = batch.take()
        let first = taken.map(storage)
        taken = nil
        batch.buffer.writeString("two")
        let held = batch.take()
        batch.buffer.writeString("three")
        #expect(storage(batch.buffer) == first)
        _ = batch.take()
        batch.buffer.writeString("four")
        #expect(storage(batch.buffer) != storage(held))
        #expect(String(buffer: held) == "two")
        #expect(String(buffer: batch.buffer) == "four")
    }
}
