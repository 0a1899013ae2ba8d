import NIOCore

extension JSONWriter {
    /// Appends a string with its quotes, where there is room for `stringCount` bytes. See `writeString(_:into:)` for a span of bytes.
    static func writeString(_ text: ByteBuffer, into cursor: inout ByteCursor) {
        let bytes = text.readableBytesUInt8Span
        if self.firstByteToEscape(from: 0, in: bytes) == bytes.count {
            cursor.append(UInt8(ascii: "\""))
            cursor.append(text)
            cursor.append(UInt8(ascii: "\""))
        } else {
            var escaped = ByteBuffer()
            self.writeString(text, into: &escaped)
            cursor.append(escaped)
        }
    }
}
