import NIOCore

extension JSONWriter {
    /// How many bytes `writeString(_:into:)` appends for `text`. O(n), eight bytes at a time where nothing is escaped.
    static func stringCount(_ text: ByteBuffer) -> Int {
        let bytes = text.readableBytesUInt8Span
        var count = bytes.count + 2
        var offset = self.firstByteToEscape(from: 0, in: bytes)
        while offset < bytes.count {
            count += self.escapeGrowth(bytes[offset])
            offset = self.firstByteToEscape(from: offset + 1, in: bytes)
        }
        return count
    }

    /// By how many bytes the escape of a byte is longer than the byte.
    private static func escapeGrowth(_ byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x08, 0x09, 0x0a, 0x0c, 0x0d: 1
        case 0x00..<0x20: 5
        default: 0
        }
    }
}
