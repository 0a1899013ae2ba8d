package import NIOCore

/// Appends commands to a buffer, as arrays of bulk strings (the only form in which a command that holds arbitrary bytes can be sent).
///
/// The hot commands have their constant bytes as one string each and are written in one reservation; lengths are written as digits without a
/// `String`. Cost: the bytes of the command, plus one capacity check.
package enum RESPEncoder {
    /// Bytes, at most, that a hot command adds to those of its key and value: fixed parts, lengths and CRLFs.
    package static let maximumOverhead = 128

    private static let getHeader: StaticString = "*2\r\n$3\r\nGET\r\n$"
    private static let pttlHeader: StaticString = "*2\r\n$4\r\nPTTL\r\n$"
    private static let unlinkHeader: StaticString = "*2\r\n$6\r\nUNLINK\r\n$"
    private static let delHeader: StaticString = "*2\r\n$3\r\nDEL\r\n$"
    private static let setHeader: StaticString = "*3\r\n$3\r\nSET\r\n$"
    private static let setWithTTLHeader: StaticString = "*5\r\n$3\r\nSET\r\n$"
    private static let millisecondsHeader: StaticString = "\r\n$2\r\nPX\r\n$"

    /// `GET key`
    package static func writeGet(key: Span<UInt8>, into buffer: inout ByteBuffer) {
        self.write(self.getHeader, key, into: &buffer)
    }

    /// `PTTL key`
    package static func writePTTL(key: Span<UInt8>, into buffer: inout ByteBuffer) {
        self.write(self.pttlHeader, key, into: &buffer)
    }

    /// `UNLINK key`: deletes, and frees the memory in the background.
    package static func writeUnlink(key: Span<UInt8>, into buffer: inout ByteBuffer) {
        self.write(self.unlinkHeader, key, into: &buffer)
    }

    /// `DEL key`
    package static func writeDel(key: Span<UInt8>, into buffer: inout ByteBuffer) {
        self.write(self.delHeader, key, into: &buffer)
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

    /// `SET key value PX milliseconds`; Redis refuses a time of zero or less.
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

    /// The bytes that `write(command:into:)` appends, at most.
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
