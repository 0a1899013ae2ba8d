import NIOCore
import Testing

@testable import RESP

private func bytes(_ text: String) -> ByteBuffer {
    ByteBuffer(string: text)
}

/// Every way to feed must give the same error.
private func expectError(_ code: RESPError.Code, _ wire: ByteBuffer, limits: RESPLimits = RESPLimits(), _ location: SourceLocation = #_sourceLocation)
{
    #expect(throws: RESPError(code, ""), sourceLocation: location) {
        try RESPDripFeed.whole(wire, limits: limits)
    }
    #expect(throws: RESPError(code, ""), sourceLocation: location) {
        try RESPDripFeed.byteByByte(wire, limits: limits)
    }
}

@Suite
struct RESPDecoderLimitTests {
    @Test(
        "what is not RESP is malformed",
        arguments: [
            "x", "\r\n", "HTTP/1.1 200 OK\r\n", ":\r\n", ":-\r\n", ":+\r\n", ":1a\r\n", ": 1\r\n", ":9223372036854775808\r\n",
            ":-9223372036854775809\r\n", ":99999999999999999999999\r\n", "$\r\n", "$-2\r\n", "$a\r\n", "$1\r\nabc", "$3\r\nabcde", "$1\r\na\n\n",
            "$0\r\n\n\n", "*-2\r\n", "*a\r\n", "*1\r\nx", "%-1\r\n", "~-1\r\n", ">-1\r\n", "|-1\r\n", "!-1\r\n", "=-1\r\n", "=3\r\ntxt\r\n",
            "=5\r\ntxt_a\r\n", "#\r\n", "#x\r\n", "#tt\r\n", "_x\r\n", ",\r\n", ",1.2.3\r\n", ",0x1p3\r\n", ",infinity\r\n", ",1 \r\n", "(\r\n",
            "(-\r\n",
            "(12a\r\n", "+a\nb\r\n", "+a\rb\r\n", "+a\r\r\n", "+a\n", "*1\r\n>1\r\n:1\r\n", "$?\r\n", "*?\r\n", ".\r\n", ";4\r\n",
            "$+1\r\na\r\n", "$+0\r\n\r\n", "$-0\r\n\r\n", "$-01\r\n", "*+1\r\n:1\r\n", "*-01\r\n", "%+1\r\n:1\r\n:2\r\n",
        ]
    )
    func malformed(_ wire: String) {
        expectError(.malformed, bytes(wire))
    }

    @Test("an error stays")
    func errorStays() throws {
        var decoder = RESPDecoder()
        var garbage = bytes("x")
        var good = bytes("+OK\r\n")
        #expect(throws: RESPError.self) { try decoder.next(&garbage) }
        #expect(throws: RESPError.self) { try decoder.next(&good) }
    }

    @Test("no error quotes the stream")
    func errorQuotesNothing() {
        var decoder = RESPDecoder()
        var buffer = bytes(":secret\r\n")
        do throws(RESPError) {
            _ = try decoder.next(&buffer)
            Issue.record("no error")
        } catch {
            #expect(!"\(error)".contains("secret"))
        }
    }

    @Test("depth is bounded")
    func depth() throws {
        let limits = RESPLimits(maximumDepth: 3)
        #expect(try RESPDripFeed.whole(bytes("*1\r\n*1\r\n*1\r\n:1\r\n"), limits: limits) == [.array([.array([.array([.integer(1)])])])])
        expectError(.tooDeep, bytes("*1\r\n*1\r\n*1\r\n*1\r\n"), limits: limits)
        expectError(.tooDeep, bytes("*1\r\n|1\r\n*1\r\n*1\r\n"), limits: limits)
    }

    @Test("the elements of a reply are bounded over all its levels, and anew for each reply")
    func elements() throws {
        let limits = RESPLimits(maximumElements: 4)
        let fits = "*2\r\n*1\r\n:1\r\n*1\r\n:1\r\n"
        #expect(try RESPDripFeed.whole(bytes(fits + fits), limits: limits).count == 2)
        expectError(.tooManyElements, bytes("*2\r\n*2\r\n:1\r\n:1\r\n*1\r\n"), limits: limits)
        expectError(.tooManyElements, bytes("%3\r\n"), limits: limits)
        expectError(.tooManyElements, bytes("|3\r\n"), limits: limits)
        expectError(.tooManyElements, bytes("*9223372036854775807\r\n"), limits: limits)
        expectError(.tooManyElements, bytes("%9223372036854775807\r\n"), limits: limits)
        expectError(.tooManyElements, bytes("*1048577\r\n"))
    }

    @Test("a line is bounded, however it is split")
    func lines() throws {
        let limits = RESPLimits(maximumLineBytes: 8)
        #expect(try RESPDripFeed.byteByByte(bytes("+1234567\r\n"), limits: limits) == [.simpleString(bytes("1234567"))])
        expectError(.lineTooLong, bytes("+12345678\r\n"), limits: limits)
        expectError(.lineTooLong, bytes("+12345678"), limits: limits)
        expectError(.lineTooLong, ByteBuffer(repeating: UInt8(ascii: "+"), count: 64 * 1024 + 1))
    }

    @Test("a bulk string above the limit is dropped and said, at any level, and the stream goes on")
    func oversized() throws {
        let limits = RESPLimits(maximumBulkBytes: 4)
        let wire = bytes("$5\r\nabcde\r\n*2\r\n$6\r\n\r\n\r\n\r\n\r\n:1\r\n!5\r\nERR a\r\n=6\r\ntxt:ab\r\n$4\r\nabcd\r\n")
        let values: [RESPValue] = [
            .oversized(byteCount: 5), .array([.oversized(byteCount: 6), .integer(1)]), .oversized(byteCount: 5), .oversized(byteCount: 6),
            .bulkString(bytes("abcd")),
        ]
        #expect(try RESPDripFeed.whole(wire, limits: limits) == values)
        #expect(try RESPDripFeed.byteByByte(wire, limits: limits) == values)
        for index in 0...wire.readableBytes {
            #expect(try RESPDripFeed.decode(wire, pieces: [index], limits: limits) == values, "split at \(index)")
        }
        expectError(.malformed, bytes("$5\r\nabcdefg\r\n"), limits: limits)
    }

    @Test("the bytes of an oversized string are not collected")
    func oversizedIsDropped() throws {
        var decoder = RESPDecoder(limits: RESPLimits(maximumBulkBytes: 4))
        var buffer = bytes("$1000\r\n")
        for _ in 0..<100 {
            #expect(try decoder.next(&buffer) == nil)
            #expect(buffer.readableBytes == 0)
            buffer.writeRepeatingByte(0x61, count: 10)
        }
        buffer.writeString("\r\n")
        #expect(try decoder.next(&buffer) == .oversized(byteCount: 1000))
    }

    @Test("a length above what Redis can hold is an error")
    func tooLarge() throws {
        var decoder = RESPDecoder()
        var buffer = bytes("$536870912\r\n")
        #expect(try decoder.next(&buffer) == nil)
        expectError(.bulkTooLarge, bytes("$536870913\r\n"))
        expectError(.bulkTooLarge, bytes("$9223372036854775807\r\n"))
        expectError(.bulkTooLarge, bytes("!536870913\r\n"))
    }

    @Test("the missing bytes of a payload are known")
    func missing() throws {
        var decoder = RESPDecoder()
        var buffer = bytes("$10\r\nabc")
        #expect(decoder.missingPayloadBytes(readableBytes: 0) == 0)
        #expect(try decoder.next(&buffer) == nil)
        #expect(decoder.missingPayloadBytes(readableBytes: buffer.readableBytes) == 9)
    }
}
