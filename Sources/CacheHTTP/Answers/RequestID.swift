import NIOCore

/// The id of a request: the client's `X-Request-Id` where it is usable, else one made here.
///
/// A usable id is 1 to 128 bytes of letters, digits and `-_.:/+=@`, so that it can stand in a header, in JSON and in a log line as it is.
enum RequestID {
    case received(ByteBuffer)
    case made(high: UInt64, low: UInt64)

    static let maximumCount = 128

    /// Whether the bytes of `range` may serve as an id.
    static func isUsable(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty, range.count <= self.maximumCount else { return false }
        for index in range where !self.isAllowed(bytes[index]) { return false }
        return true
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "="),
            UInt8(ascii: "@"):
            true
        default: false
        }
    }

    /// Appends the id: as received, or 32 hexadecimal digits.
    func write(into cursor: inout ByteCursor) {
        switch self {
        case .received(let id): cursor.append(id)
        case .made(let high, let low):
            cursor.appendHex(high)
            cursor.appendHex(low)
        }
    }
}
