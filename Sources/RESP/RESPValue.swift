package import NIOCore

/// One reply of Redis, RESP2 or RESP3.
///
/// The payload is at most a `ByteBuffer` or a reference, so that a value is passed in registers or copied in a few words. Buffers are slices of the
/// bytes read from the socket: nothing is copied, and a small slice keeps the whole read buffer alive. Copy the bytes of a value that is kept for
/// longer than the call.
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
    /// A bulk string, bulk error or verbatim string longer than `RESPLimits.maximumBulkBytes`; its bytes were dropped as they arrived.
    case oversized(byteCount: Int)
    case array([RESPValue])
    case boolean(Bool)
    case double(Double)
    /// An integer of any size, as its decimal digits.
    case bigNumber(ByteBuffer)
    /// Text preceded by its three-letter format and a colon (`txt:`, `mkd:`), which `text` omits.
    case verbatimString(ByteBuffer)
    /// Alternating keys and values, in the order of the reply.
    case map([RESPValue])
    case set([RESPValue])
    /// Out-of-band data of RESP3; never the reply to a command.
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

/// The stream cannot be decoded any further. Nothing after the error can be trusted, so the connection must be closed.
///
/// The description never quotes bytes of the stream, because they may be a stored value.
package struct RESPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of error; opaque, so that a new code breaks no switch.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Base: String {
            case malformed
            case lineTooLong
            case bulkTooLarge
            case tooManyElements
            case tooDeep
        }

        private let base: Base

        private init(_ base: Base) {
            self.base = base
        }

        /// The bytes are not RESP.
        package static let malformed = Code(.malformed)
        /// A line longer than `RESPLimits.maximumLineBytes`.
        package static let lineTooLong = Code(.lineTooLong)
        /// A bulk string longer than Redis itself allows.
        package static let bulkTooLarge = Code(.bulkTooLarge)
        /// A reply with more elements than `RESPLimits.maximumElements`.
        package static let tooManyElements = Code(.tooManyElements)
        /// A reply nested more deeply than `RESPLimits.maximumDepth`.
        package static let tooDeep = Code(.tooDeep)

        package var description: String { self.base.rawValue }
    }

    package let code: Code
    /// A fixed sentence for the log.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { "RESP \(self.code): \(self.reason)" }

    package static func == (left: RESPError, right: RESPError) -> Bool {
        left.code == right.code
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.code)
    }
}
