package import NIOCore

/// One reply of Redis, RESP2 or RESP3.
///
/// The payload is at most a `ByteBuffer` or a reference, so that a value is passed in registers or copied in a few words. Buffers are slices of the
/// bytes that were read from the socket: nothing is copied, and a small slice keeps the whole read alive. Whoever stores a value for longer than the
/// call copies its bytes.
package enum RESPValue: Sendable, Equatable {
    /// `_`, or the null bulk string and null array of RESP2.
    case null
    /// `+OK`, by far the most frequent simple string.
    case simpleOK
    /// Any other simple string.
    case simpleString(ByteBuffer)
    /// A simple or bulk error, without its type byte: `WRONGTYPE Operation against ...`.
    case error(ByteBuffer)
    case integer(Int64)
    case bulkString(ByteBuffer)
    /// A bulk string, bulk error or verbatim string above `RESPLimits.maximumBulkBytes`; its bytes were dropped as they arrived.
    case oversized(byteCount: Int)
    case array([RESPValue])
    case boolean(Bool)
    case double(Double)
    /// An integer of any size, as its decimal digits.
    case bigNumber(ByteBuffer)
    /// Text with its three-letter format and a colon in front (`txt:`, `mkd:`); `text` leaves them out.
    case verbatimString(ByteBuffer)
    /// Keys and values in turn, in the order in which they came.
    case map([RESPValue])
    case set([RESPValue])
    /// Out-of-band data of RESP3; never an answer to a command.
    case push([RESPValue])
}

extension RESPValue {
    /// The bytes of a simple, bulk or verbatim string, or nil for every other kind.
    package var text: ByteBuffer? {
        switch self {
        case .simpleOK:
            return ByteBuffer(staticString: "OK")
        case .simpleString(let bytes), .bulkString(let bytes):
            return bytes
        case .verbatimString(let bytes):
            return bytes.getSlice(at: bytes.readerIndex + 4, length: bytes.readableBytes - 4)
        case .null, .error, .integer, .oversized, .array, .boolean, .double, .bigNumber, .map, .set, .push:
            return nil
        }
    }
}
