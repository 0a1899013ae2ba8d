import NIOCore
import Testing

@testable import RESP

@Suite
struct RESPEncoderTests {
    private static let lengths = [0, 1, 9, 10, 99, 100, 999, 1000, 65_536]

    @Test("the hot commands are what the generic encoder writes", arguments: lengths, [0, 9, 10, 1000])
    func hotCommands(keyLength: Int, valueLength: Int) {
        let key = ByteBuffer(repeating: 0x0A, count: keyLength)
        let value = ByteBuffer(repeating: 0xFF, count: valueLength)
        let keyArgument = RESPArgument(key)
        let valueArgument = RESPArgument(value)
        self.expect(["GET", keyArgument]) { RESPEncoder.writeGet(key: key.readableBytesUInt8Span, into: &$0) }
        self.expect(["PTTL", keyArgument]) { RESPEncoder.writePTTL(key: key.readableBytesUInt8Span, into: &$0) }
        var tracked = ByteBuffer()
        RESPEncoder.writeTrackedGet(key: key.readableBytesUInt8Span, into: &tracked)
        var separate = ByteBuffer()
        RESPEncoder.write(command: ["CLIENT", "CACHING", "YES"], into: &separate)
        RESPEncoder.writeGet(key: key.readableBytesUInt8Span, into: &separate)
        #expect(tracked == separate)
        self.expect(["UNLINK", keyArgument]) { RESPEncoder.writeUnlink(key: key.readableBytesUInt8Span, into: &$0) }
        self.expect(["SET", keyArgument, valueArgument]) {
            RESPEncoder.writeSet(key: key.readableBytesUInt8Span, value: value.readableBytesUInt8Span, into: &$0)
        }
    }

    @Test("a time to live of any size", arguments: [Int64.min, -1, 0, 1, 9, 10, 86_400_000, .max])
    func timeToLive(_ milliseconds: Int64) {
        let key = ByteBuffer(string: "key")
        let value = ByteBuffer(string: "value")
        self.expect(["SET", RESPArgument(key), RESPArgument(value), "PX", .integer(milliseconds)]) {
            RESPEncoder.writeSet(
                key: key.readableBytesUInt8Span,
                value: value.readableBytesUInt8Span,
                ttlMilliseconds: milliseconds,
                into: &$0
            )
        }
    }

    @Test("a command is an array of bulk strings")
    func generic() {
        var buffer = ByteBuffer()
        RESPEncoder.write(command: ["SCAN", .integer(0), "MATCH", .bytes([0x2A, 0x0D])], into: &buffer)
        #expect(String(buffer: buffer) == "*4\r\n$4\r\nSCAN\r\n$1\r\n0\r\n$5\r\nMATCH\r\n$2\r\n*\r\r\n")
    }

    @Test("no command is longer than announced")
    func bound() {
        let command: [RESPArgument] = ["UNLINK"] + (0..<1000).map { .string("key:\($0)") }
        var buffer = ByteBuffer()
        RESPEncoder.write(command: command, into: &buffer)
        #expect(buffer.readableBytes <= RESPEncoder.maximumByteCount(of: command))
    }

    @Test("commands follow each other, also in a buffer that has to grow")
    func appending() {
        var buffer = ByteBuffer()
        let key = ByteBuffer(string: "k")
        for _ in 0..<1000 {
            RESPEncoder.writeGet(key: key.readableBytesUInt8Span, into: &buffer)
        }
        #expect(String(buffer: buffer) == String(repeating: "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", count: 1000))
    }

    private func expect(_ command: [RESPArgument], _ location: SourceLocation = #_sourceLocation, _ write: (inout ByteBuffer) -> Void) {
        var generic = ByteBuffer()
        RESPEncoder.write(command: command, into: &generic)
        var hot = ByteBuffer()
        write(&hot)
        #expect(hot == generic, sourceLocation: location)
        let payload = command.dropFirst().prefix(2).reduce(0) { $0 + $1.bytes.readableBytes }
        #expect(hot.readableBytes <= payload + RESPEncoder.maximumOverhead, sourceLocation: location)
    }
}
