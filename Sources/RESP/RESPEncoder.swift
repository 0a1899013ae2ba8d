package import NIOCore

/// Appends commands to a buffer as arrays of bulk strings, the only form that can carry arbitrary bytes.
///
/// The constant bytes of a hot command are one string, and the command is written with a single reservation; lengths are written as digits without
/// going through `String`. Cost: copying the bytes of the command, plus one capacity check.
package enum RESPEncoder {
    /// Upper bound of the bytes that a hot command adds to its key and value: fixed parts, lengths and CRLFs.
    package static let maximumOverhead = 128

    private static let getHeader: StaticString = "*2\r\n$3\r\nGET\r\n$"
    private static let trackedGetHeader: StaticString = "*3\r\n$6\r\nCLIENT\r\n$7\r\nCACHING\r\n$3\r\nYES\r\n*2\r\n$3\r\nGET\r\n$"
    private static let pttlHeader: StaticString = "*2\r\n$4\r\nPTTL\r\n$"
    private static let unlinkHeader: StaticString = "*2\r\n$6\r\nUNLINK\r\n$"
    private static let setHeader: StaticString = "*3\r\n$3\r\nSET\r\n$"
    private static let setWithTTLHeader: StaticString = "*5\r\n$3\r\nSET\r\n$"
    private static let millisecondsHeader: StaticString = "\r\n$2\r\nPX\r\n$"

    /// `GET key`
    package static func writeGet(key: Span<UInt8>, into buffer: inout ByteBuffer) {
        self.write(self.getHeader, key, into: &buffer)
    }

    /// `CLIENT CACHING YES`, then `GET key`, which Redis tracks for that: two commands with a reply each.
    package static func writeTrackedGet(key: Span<UInt8>, into buffer: inout ByteBuffer) {
        self.write(self.trackedGetHeader, key, into: &buffer)
    }

    /// `PTTL key`
    package static func writePTTL(key: Span<UInt8>, into buffer: inout ByteBuffer) {
        self.write(self.pttlHeader, key, into: &buffer)
    }

    /// `UNLINK key`: deletes the key and lets Redis free its memory in the background.
    package static func writeUnlink(key: Span<UInt8>, into buffer: inout ByteBuffer) {
        self.write(self.unlinkHeader, key, into: &buffer)
    }

    /// `SET key value`
    package static func writeSet(key: Span<UInt8>, value: Span<UInt8>, into buffer: inout ByteBuffer) {
        let capacity = key.count + value.count + self.maximumOverhead
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { target in
            var writer = RESPCommandWriter(target)
            writer.append(self.setHeader)
            writer.appendBulkBody(key)
            writer.append("\r\n$")
            writer.appendBulkBody(value)
            writer.append("\r\n")
            return writer.count
        }
    }

    /// `SET key value PX milliseconds`; Redis rejects a time to live of zero or less.
    package static func writeSet(key: Span<UInt8>, value: Span<UInt8>, ttlMilliseconds: Int64, into buffer: inout ByteBuffer) {
        let capacity = key.count + value.count + self.maximumOverhead
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { target in
            var writer = RESPCommandWriter(target)
            writer.append(self.setWithTTLHeader)
            writer.appendBulkBody(key)
            writer.append("\r\n$")
            writer.appendBulkBody(value)
            writer.append(self.millisecondsHeader)
            writer.appendBulkBody(ttlMilliseconds)
            writer.append("\r\n")
            return writer.count
        }
    }

    /// Any command, its name first.
    package static func write(command: [RESPArgument], into buffer: inout ByteBuffer) {
        self.writeHeader("*", command.count, into: &buffer)
        for argument in command {
            self.writeHeader("$", argument.bytes.readableBytes, into: &buffer)
            buffer.writeImmutableBuffer(argument.bytes)
            buffer.writeStaticString("\r\n")
        }
    }

    /// Upper bound of the bytes that `write(command:into:)` appends.
    package static func maximumByteCount(of command: [RESPArgument]) -> Int {
        command.reduce(32) { $0 + $1.bytes.readableBytes + 32 }
    }

    @inline(__always)
    private static func write(_ header: StaticString, _ key: Span<UInt8>, into buffer: inout ByteBuffer) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: key.count + self.maximumOverhead) { target in
            var writer = RESPCommandWriter(target)
            writer.append(header)
            writer.appendBulkBody(key)
            writer.append("\r\n")
            return writer.count
        }
    }

    private static func writeHeader(_ type: StaticString, _ count: Int, into buffer: inout ByteBuffer) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: self.maximumOverhead) { target in
            var writer = RESPCommandWriter(target)
            writer.append(type)
            writer.appendDigits(UInt64(count))
            writer.append("\r\n")
            return writer.count
        }
    }
}

/// One argument of a command, for calls in which clarity matters more than an allocation: `["SCAN", .integer(cursor), "MATCH", .bytes(pattern)]`.
package struct RESPArgument: Sendable, Hashable, ExpressibleByStringLiteral {
    package let bytes: ByteBuffer

    package init(_ bytes: ByteBuffer) {
        self.bytes = bytes
    }

    package init(stringLiteral value: String) {
        self.bytes = ByteBuffer(string: value)
    }

    package static func bytes(_ bytes: some Sequence<UInt8>) -> RESPArgument {
        RESPArgument(ByteBuffer(bytes: bytes))
    }

    package static func string(_ value: String) -> RESPArgument {
        RESPArgument(ByteBuffer(string: value))
    }

    package static func integer(_ value: some FixedWidthInteger) -> RESPArgument {
        RESPArgument(ByteBuffer(string: String(value)))
    }
}

/// A cursor over reserved memory. The caller has checked the capacity once for the whole command; every append checks its own bounds again, which
/// costs one comparison and turns a wrong reservation into a trap instead of a buffer overflow.
struct RESPCommandWriter {
    private let target: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ target: UnsafeMutableRawBufferPointer) {
        self.target = target
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        self.append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// `length CRLF bytes`: a bulk string after its `$`, without its last CRLF.
    @inline(__always)
    mutating func appendBulkBody(_ bytes: Span<UInt8>) {
        self.appendDigits(UInt64(bytes.count))
        self.append("\r\n")
        bytes.withUnsafeBytes { self.append($0) }
    }

    /// `length CRLF digits`
    mutating func appendBulkBody(_ value: Int64) {
        let isNegative = value < 0
        self.appendDigits(UInt64(Self.digitCount(value.magnitude) + (isNegative ? 1 : 0)))
        self.append(isNegative ? "\r\n-" : "\r\n")
        self.appendDigits(value.magnitude)
    }

    @inline(__always)
    mutating func appendDigits(_ value: UInt64) {
        let digits = Self.digitCount(value)
        precondition(digits <= self.target.count - self.count)
        var rest = value
        var index = self.count + digits
        repeat {
            index -= 1
            self.target[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        self.count += digits
    }

    @inline(__always)
    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= self.target.count - self.count)
        if bytes.count > 0 {
            UnsafeMutableRawBufferPointer(rebasing: self.target[self.count...]).copyMemory(from: bytes)
        }
        self.count += bytes.count
    }

    private static func digitCount(_ value: UInt64) -> Int {
        var count = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }
}
