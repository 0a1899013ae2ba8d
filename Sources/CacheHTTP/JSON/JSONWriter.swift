package import NIOCore

/// Appends JSON to a buffer in the spelling of Starlette's `JSONResponse`, that is of Python's
/// `json.dumps(value, ensure_ascii=False, separators=(",", ":"))`.
package enum JSONWriter {
    /// Appends a string with its quotes. Escapes are the seven short ones but `\/`, and `\u00xx` with lower-case digits for the other control
    /// characters; everything else, non-ASCII and U+007F included, stands for itself.
    ///
    /// - Parameters:
    ///   - text: the text, which must be UTF-8; it is not checked.
    ///   - buffer: where to append.
    /// - Complexity: O(n); text without escapes is searched eight bytes at a time and copied in one piece.
    package static func writeString(_ text: Span<UInt8>, into buffer: inout ByteBuffer) {
        buffer.reserveCapacity(minimumWritableBytes: text.count + 2)
        buffer.writeInteger(UInt8(ascii: "\""))
        var start = 0
        while true {
            let end = self.firstByteToEscape(from: start, in: text)
            buffer.writeBytes(text.bytes.extracting(start..<end))
            guard end < text.count else { break }
            self.writeEscape(text[end], into: &buffer)
            start = end + 1
        }
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// Appends a string with its quotes. See `writeString(_:into:)` for a span of bytes.
    package static func writeString(_ text: ByteBuffer, into buffer: inout ByteBuffer) {
        self.writeString(text.readableBytesUInt8Span, into: &buffer)
    }

    /// Appends a string with its quotes. See `writeString(_:into:)` for a span of bytes.
    package static func writeString(_ text: String, into buffer: inout ByteBuffer) {
        self.writeString(text.utf8Span.span, into: &buffer)
    }

    /// Appends a JSON value without the whitespace outside its strings. What is in the strings, and how numbers are spelled, stays.
    ///
    /// - Parameters:
    ///   - value: one valid JSON value.
    ///   - buffer: where to append.
    /// - Complexity: O(n).
    package static func writeCompacted(_ value: Span<UInt8>, into buffer: inout ByteBuffer) {
        buffer.reserveCapacity(minimumWritableBytes: value.count)
        var start = 0
        var offset = 0
        var isInString = false
        while offset < value.count {
            switch value[offset] {
            case UInt8(ascii: "\\"):
                // The byte behind a backslash never ends the string.
                offset += 1
            case UInt8(ascii: "\""):
                isInString.toggle()
            case let byte where !isInString && JSONScanner.isWhitespace(byte):
                buffer.writeBytes(value.bytes.extracting(start..<offset))
                start = offset + 1
            default:
                break
            }
            offset += 1
        }
        buffer.writeBytes(value.bytes.extracting(start..<value.count))
    }

    static func firstByteToEscape(from start: Int, in text: Span<UInt8>) -> Int {
        let raw = text.bytes
        var offset = start
        while text.count &- offset >= ByteWord.byteCount {
            if let step = ByteWord(raw, at: offset).firstByteToEscape { return offset &+ step }
            offset &+= ByteWord.byteCount
        }
        while offset < text.count {
            let byte = text[offset]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return offset }
            offset &+= 1
        }
        return offset
    }

    private static func writeEscape(_ byte: UInt8, into buffer: inout ByteBuffer) {
        switch byte {
        case UInt8(ascii: "\""): buffer.writeStaticString("\\\"")
        case UInt8(ascii: "\\"): buffer.writeStaticString("\\\\")
        case 0x08: buffer.writeStaticString("\\b")
        case 0x09: buffer.writeStaticString("\\t")
        case 0x0A: buffer.writeStaticString("\\n")
        case 0x0C: buffer.writeStaticString("\\f")
        case 0x0D: buffer.writeStaticString("\\r")
        default:
            buffer.writeStaticString("\\u00")
            buffer.writeInteger(self.hexadecimalDigit(byte >> 4))
            buffer.writeInteger(self.hexadecimalDigit(byte & 0x0F))
        }
    }

    private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
