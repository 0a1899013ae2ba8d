import NIOCore
import RESP

/// Feeds bytes to a decoder in pieces, as a socket might, and collects the replies.
enum RESPDripFeed {
    /// - Parameter pieces: lengths of the pieces; what they leave over is one more.
    static func decode(_ bytes: ByteBuffer, pieces: some Sequence<Int>, limits: RESPLimits = RESPLimits()) throws(RESPError) -> [RESPValue] {
        var decoder = RESPDecoder(limits: limits)
        var source = bytes
        var buffer = ByteBuffer()
        var values: [RESPValue] = []
        for length in pieces {
            guard var piece = source.readSlice(length: min(length, source.readableBytes)) else {
                break
            }
            buffer.writeBuffer(&piece)
            try self.drain(&decoder, &buffer, into: &values)
        }
        buffer.writeBuffer(&source)
        try self.drain(&decoder, &buffer, into: &values)
        return values
    }

    static func whole(_ bytes: ByteBuffer, limits: RESPLimits = RESPLimits()) throws(RESPError) -> [RESPValue] {
        try self.decode(bytes, pieces: [], limits: limits)
    }

    static func byteByByte(_ bytes: ByteBuffer, limits: RESPLimits = RESPLimits()) throws(RESPError) -> [RESPValue] {
        try self.decode(bytes, pieces: repeatElement(1, count: bytes.readableBytes), limits: limits)
    }

    private static func drain(
        _ decoder: inout RESPDecoder,
        _ buffer: inout ByteBuffer,
        into values: inout [RESPValue]
    ) throws(RESPError) {
        while let value = try decoder.next(&buffer) {
            values.append(value)
        }
    }
}
