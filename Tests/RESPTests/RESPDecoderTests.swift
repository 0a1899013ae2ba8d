import NIOCore
import Testing

@testable import RESP

private func bytes(_ text: String) -> ByteBuffer {
    ByteBuffer(string: text)
}

@Suite
struct RESPDecoderTests {
    static let replies: [RESPReply] = [
        RESPReply("+OK\r\n", .simpleOK),
        RESPReply("+PONG\r\n", .simpleString(bytes("PONG"))),
        RESPReply("+\r\n", .simpleString(bytes(""))),
        RESPReply("+OKAY\r\n", .simpleString(bytes("OKAY"))),
        RESPReply("-ERR no such thing\r\n", .error(bytes("ERR no such thing"))),
        RESPReply(":0\r\n", .integer(0)),
        RESPReply(":-1\r\n", .integer(-1)),
        RESPReply(":+7\r\n", .integer(7)),
        RESPReply(":9223372036854775807\r\n", .integer(.max)),
        RESPReply(":-9223372036854775808\r\n", .integer(.min)),
        RESPReply("$5\r\nhello\r\n", .bulkString(bytes("hello"))),
        RESPReply("$0\r\n\r\n", .bulkString(bytes(""))),
        RESPReply("$4\r\n\r\n\r\n\r\n", .bulkString(bytes("\r\n\r\n"))),
        RESPReply("$-1\r\n", .null),
        RESPReply("*-1\r\n", .null),
        RESPReply("_\r\n", .null),
        RESPReply("*0\r\n", .array([])),
        RESPReply("*3\r\n:1\r\n$-1\r\n$1\r\na\r\n", .array([.integer(1), .null, .bulkString(bytes("a"))])),
        RESPReply("*2\r\n*1\r\n*0\r\n+OK\r\n", .array([.array([.array([])]), .simpleOK])),
        RESPReply("#t\r\n", .boolean(true)),
        RESPReply("#f\r\n", .boolean(false)),
        RESPReply(",1.5\r\n", .double(1.5)),
        RESPReply(",-1.5e-3\r\n", .double(-0.0015)),
        RESPReply(",10\r\n", .double(10)),
        RESPReply(",inf\r\n", .double(.infinity)),
        RESPReply(",-inf\r\n", .double(-.infinity)),
        RESPReply("(3492890328409238509324850943850943825024385\r\n", .bigNumber(bytes("3492890328409238509324850943850943825024385"))),
        RESPReply("(-1\r\n", .bigNumber(bytes("-1"))),
        RESPReply("!10\r\nERR a\r\nbcd\r\n", .error(bytes("ERR a\r\nbcd"))),
        RESPReply("=8\r\ntxt:text\r\n", .verbatimString(bytes("txt:text"))),
        RESPReply("=4\r\ntxt:\r\n", .verbatimString(bytes("txt:"))),
        RESPReply("%0\r\n", .map([])),
        RESPReply("%1\r\n+a\r\n*1\r\n:1\r\n", .map([.simpleString(bytes("a")), .array([.integer(1)])])),
        RESPReply("~2\r\n:1\r\n#f\r\n", .set([.integer(1), .boolean(false)])),
        RESPReply(">2\r\n+invalidate\r\n_\r\n", .push([.simpleString(bytes("invalidate")), .null])),
        RESPReply("|1\r\n+ttl\r\n:10\r\n$1\r\nv\r\n", .bulkString(bytes("v"))),
        RESPReply("|0\r\n:1\r\n", .integer(1)),
        RESPReply("*2\r\n|1\r\n+a\r\n%1\r\n:1\r\n:2\r\n:3\r\n|1\r\n:0\r\n:0\r\n:4\r\n", .array([.integer(3), .integer(4)])),
        RESPReply("$1\r\na\r\n:1\r\n+OK\r\n$-1\r\n", .bulkString(bytes("a")), .integer(1), .simpleOK, .null),
        RESPReply(">1\r\n:1\r\n+OK\r\n>1\r\n:2\r\n", .push([.integer(1)]), .simpleOK, .push([.integer(2)])),
    ]

    @Test("a reply in one piece", arguments: replies)
    func wholeReply(_ reply: RESPReply) throws {
        #expect(try RESPDripFeed.whole(bytes(reply.wire)) == reply.values)
    }

    @Test("a reply byte by byte", arguments: replies)
    func reply(byteByByte reply: RESPReply) throws {
        #expect(try RESPDripFeed.byteByByte(bytes(reply.wire)) == reply.values)
    }

    @Test("a reply split at every index", arguments: replies)
    func reply(splitEverywhere reply: RESPReply) throws {
        for index in 0...reply.wire.utf8.count {
            #expect(try RESPDripFeed.decode(bytes(reply.wire), pieces: [index]) == reply.values, "split at \(index)")
        }
    }

    @Test("a proper beginning of a reply is no reply and no error", arguments: replies)
    func beginning(_ reply: RESPReply) throws {
        for length in 0..<reply.wire.utf8.count {
            let beginning = try #require(bytes(reply.wire).getSlice(at: 0, length: length))
            let values = try RESPDripFeed.whole(beginning)
            #expect(values.count < reply.values.count, "length \(length)")
            #expect(values[...] == reply.values.prefix(values.count))
        }
    }

    @Test("the fast path says what the general decoder says", arguments: replies)
    func fastPath(_ reply: RESPReply) throws {
        // An attribute of no entries hides the reply from the fast path without changing what it means.
        var rest = bytes(reply.wire)
        while let value = RESPFastPath.next(&rest, maximumBulkBytes: 1024) {
            var encoded = bytes("|0\r\n")
            encoded.writeImmutableBuffer(RESPTestEncoder.encode(value))
            #expect(try RESPDripFeed.whole(encoded) == [value])
        }
    }

    @Test("the fast path takes the replies of hot commands", arguments: ["+OK\r\n", "$1\r\na\r\n", "$-1\r\n", "_\r\n", ":12\r\n", ":-2\r\n"])
    func fastPathTakes(_ wire: String) {
        var buffer = bytes(wire)
        #expect(RESPFastPath.next(&buffer, maximumBulkBytes: 1024) != nil)
        #expect(buffer.readableBytes == 0)
    }

    @Test("a payload is a slice of what was read")
    func zeroCopy() throws {
        var buffer = bytes("$3\r\nabc\r\n")
        let read = buffer
        var decoder = RESPDecoder()
        guard case .bulkString(let slice) = try decoder.next(&buffer) else {
            Issue.record("not a bulk string")
            return
        }
        let base = read.withUnsafeReadableBytes { $0.baseAddress.map(UInt.init(bitPattern:)) }
        let payload = slice.withUnsafeReadableBytes { $0.baseAddress.map(UInt.init(bitPattern:)) }
        #expect(payload == base.map { $0 + 4 })
    }

    @Test("nan is a double")
    func notANumber() throws {
        guard case .double(let value) = try RESPDripFeed.whole(bytes(",nan\r\n")).first else {
            Issue.record("not a double")
            return
        }
        #expect(value.isNaN)
    }

    @Test("the text of strings leaves the format of a verbatim string out")
    func text() {
        #expect(RESPValue.verbatimString(bytes("txt:a")).text == bytes("a"))
        #expect(RESPValue.bulkString(bytes("b")).text == bytes("b"))
        #expect(RESPValue.simpleString(bytes("c")).text == bytes("c"))
        #expect(RESPValue.simpleOK.text == bytes("OK"))
        #expect(RESPValue.error(bytes("ERR")).text == nil)
        #expect(RESPValue.integer(1).text == nil)
    }

    @Test("a value is as small as a buffer")
    func size() {
        #expect(MemoryLayout<RESPValue>.size <= 24)
    }
}

/// Bytes of a server, and the replies that they are.
struct RESPReply: Sendable, CustomTestStringConvertible {
    let wire: String
    let values: [RESPValue]

    init(_ wire: String, _ values: RESPValue...) {
        self.wire = wire
        self.values = values
    }

    var testDescription: String { self.wire.debugDescription }
}
