import NIOCore

/// Decodes the replies to the hot commands if they are complete and at the front of the buffer: a bulk string, a null, an integer, `+OK`.
///
/// Anything else, including malformed bytes, is left untouched for the general decoder, which alone rejects input; the two can therefore disagree
/// only if this one accepts too much. A differential test compares them.
enum RESPFastPath {
    private enum Match {
        case none
        case ok
        case null(consumed: Int)
        case integer(Int64, consumed: Int)
        case bulk(header: Int, byteCount: Int)
    }

    @inline(__always)
    static func next(_ buffer: inout ByteBuffer, maximumBulkBytes: Int) -> RESPValue? {
        switch self.match(buffer.readableBytesUInt8Span, maximumBulkBytes: maximumBulkBytes) {
        case .none:
            return nil
        case .ok:
            buffer.moveReaderIndex(forwardBy: 5)
            return .simpleOK
        case .null(let consumed):
            buffer.moveReaderIndex(forwardBy: consumed)
            return .null
        case .integer(let value, let consumed):
            buffer.moveReaderIndex(forwardBy: consumed)
            return .integer(value)
        case .bulk(let header, let byteCount):
            buffer.moveReaderIndex(forwardBy: header)
            guard let bytes = buffer.readSlice(length: byteCount) else {
                return nil
            }
            buffer.moveReaderIndex(forwardBy: 2)
            return .bulkString(bytes)
        }
    }

    @inline(__always)
    private static func match(_ bytes: Span<UInt8>, maximumBulkBytes: Int) -> Match {
        guard bytes.count >= 3 else {
            return .none
        }
        switch bytes[0] {
        case UInt8(ascii: "$"):
            return self.bulk(bytes, maximumBulkBytes: maximumBulkBytes)
        case UInt8(ascii: ":"):
            guard let (value, end) = self.number(bytes), self.isLineEnd(bytes, at: end) else {
                return .none
            }
            return .integer(value, consumed: end + 2)
        case UInt8(ascii: "+"):
            let isOK = bytes.count >= 5 && bytes[1] == UInt8(ascii: "O") && bytes[2] == UInt8(ascii: "K") && self.isLineEnd(bytes, at: 3)
            return isOK ? .ok : .none
        case UInt8(ascii: "_"):
            return self.isLineEnd(bytes, at: 1) ? .null(consumed: 3) : .none
        default:
            return .none
        }
    }

    @inline(__always)
    private static func bulk(_ bytes: Span<UInt8>, maximumBulkBytes: Int) -> Match {
        guard let (length, end) = self.number(bytes), self.isLineEnd(bytes, at: end) else {
            return .none
        }
        // Only the spelling `$-1` is null.
        if bytes[1] == UInt8(ascii: "-") {
            return length == -1 && end == 3 ? .null(consumed: end + 2) : .none
        }
        guard length <= maximumBulkBytes, self.isLineEnd(bytes, at: end + 2 + Int(length)) else {
            return .none
        }
        return .bulk(header: end + 2, byteCount: Int(length))
    }

    /// Up to 18 digits after the type byte, which cannot overflow; the general decoder handles longer numbers.
    @inline(__always)
    private static func number(_ bytes: Span<UInt8>) -> (value: Int64, end: Int)? {
        let isNegative = bytes[1] == UInt8(ascii: "-")
        let start = isNegative ? 2 : 1
        let limit = min(bytes.count, start + 18)
        var index = start
        var value: Int64 = 0
        while index < limit {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else {
                break
            }
            value = value &* 10 &+ Int64(digit)
            index += 1
        }
        guard index > start else {
            return nil
        }
        return (isNegative ? -value : value, index)
    }

    @inline(__always)
    private static func isLineEnd(_ bytes: Span<UInt8>, at index: Int) -> Bool {
        index + 1 < bytes.count && bytes[index] == UInt8(ascii: "\r") && bytes[index + 1] == UInt8(ascii: "\n")
    }
}
