package import Bytes
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
        self.writeText(text, into: &buffer)
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// Appends a string without its quotes.
    private static func writeText(_ text: Span<UInt8>, into buffer: inout ByteBuffer) {
        var start = 0
        while true {
            let end = self.firstByteToEscape(from: start, in: text)
            buffer.writeBytes(text.bytes.extracting(start..<end))
            guard end < text.count else { break }
            self.writeEscape(text[end], into: &buffer)
            start = end + 1
        }
    }

    /// Appends a string, with its quotes, that cannot end the line it stands in for any reader, nor move a terminal's cursor: besides what JSON
    /// requires, U+007F to U+009F, U+2028 and U+2029 are escaped.
    ///
    /// - Parameters:
    ///   - text: the text.
    ///   - maximumByteCount: what is longer is cut behind a whole scalar, and ends in an ellipsis.
    ///   - buffer: where to append.
    package static func writeLineString(_ text: String, maximumByteCount: Int, into buffer: inout ByteBuffer) {
        let bytes = text.utf8Span.span
        var end = min(bytes.count, maximumByteCount)
        while end < bytes.count, end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        buffer.writeInteger(UInt8(ascii: "\""))
        var start = 0
        var offset = 0
        while offset < end {
            guard let (scalar, length) = self.lineBreakOrControl(at: offset, in: bytes) else {
                offset += 1
                continue
            }
            self.writeText(bytes.extracting(start..<offset), into: &buffer)
            self.writeEscape(scalar, into: &buffer)
            offset += length
            start = offset
        }
        self.writeText(bytes.extracting(start..<end), into: &buffer)
        if end < bytes.count { buffer.writeStaticString("…") }
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// U+007F to U+009F, U+2028 and U+2029, if one of them starts at `offset`, and the length of its UTF-8.
    private static func lineBreakOrControl(at offset: Int, in bytes: Span<UInt8>) -> (scalar: UInt16, length: Int)? {
        switch bytes[offset] {
        case 0x7F:
            return (0x7F, 1)
        case 0xC2 where bytes[offset + 1] < 0xA0:
            return (UInt16(bytes[offset + 1]), 2)
        case 0xE2 where bytes[offset + 1] == 0x80 && bytes[offset + 2] & 0xFE == 0xA8:
            return (0x2000 | UInt16(bytes[offset + 2] & 0x3F), 3)
        default:
            return nil
        }
    }

    private static func writeEscape(_ scalar: UInt16, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\\u")
        for shift: UInt16 in [12, 8, 4, 0] { buffer.writeInteger(Hexadecimal.digit(UInt8(truncatingIfNeeded: scalar >> shift) & 0xF)) }
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
        let lastWord = text.count &- ByteWord.byteCount
        var offset = start
        guard offset <= lastWord else { return self.firstByteToEscape(within: offset..<text.count, of: text) }
        while offset <= lastWord {
            if let step = ByteWord(raw, at: offset).firstByteToEscape { return offset &+ step }
            offset &+= ByteWord.byteCount
        }
        // Of the last word, the first bytes may have been looked at already.
        guard offset < text.count, let step = ByteWord(raw, at: lastWord).firstByteToEscape else { return text.count }
        return lastWord &+ step
    }

    /// The same, byte by byte.
    private static func firstByteToEscape(within range: Range<Int>, of text: Span<UInt8>) -> Int {
        for offset in range {
            let byte = text[offset]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return offset }
        }
        return range.upperBound
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
            self.writeEscape(UInt16(byte), into: &buffer)
        }
    }
}

extension JSONWriter {
    /// How many bytes `writeString(_:into:)` appends for `text`. O(n), eight bytes at a time if nothing is escaped.
    package static func stringCount(_ text: ByteBuffer) -> Int {
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

    /// Appends a string with its quotes, given room for `stringCount` bytes. See `writeString(_:into:)` for a span of bytes.
    package static func writeString(_ text: ByteBuffer, into cursor: inout ByteCursor) {
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

extension JSONWriter {
    /// Appends an integer in decimal. O(digits), no allocation.
    package static func writeInteger(_ value: Int64, into buffer: inout ByteBuffer) {
        buffer.appendDecimal(Int(value))
    }

    /// Appends the decimal fraction `unscaled / 10^scale`.
    ///
    /// - Parameters:
    ///   - unscaled: the digits, such as 6225 for 62.25 at scale 2.
    ///   - scale: how many digits stand behind the point, 1 to 18.
    ///   - droppingTrailingZeros: whether zeros at the end are left out down to one digit, as Python prints a rounded float: 62.5 and 0.0
    ///     rather than 62.50 and 0.00.
    ///   - buffer: where to append.
    package static func writeDecimal(_ unscaled: Int64, scale: Int, droppingTrailingZeros: Bool = true, into buffer: inout ByteBuffer) {
        precondition(1...18 ~= scale, "the scale is 1 to 18")
        let divisor = self.powersOfTen[scale]
        let whole = unscaled.magnitude / divisor
        var fraction = unscaled.magnitude % divisor
        var digits = scale
        if droppingTrailingZeros {
            while digits > 1, fraction % 10 == 0 {
                fraction /= 10
                digits -= 1
            }
        }
        buffer.append(maximumCount: 2 * DecimalDigits.maximumCount) { cursor in
            if unscaled < 0 { cursor.append(UInt8(ascii: "-")) }
            cursor.appendDigits(UInt(whole), count: DecimalDigits.count(whole))
            cursor.append(UInt8(ascii: "."))
            cursor.appendDigits(UInt(fraction), count: digits)
        }
    }

    /// Appends `value` rounded to `scale` digits behind the point, halves to even; `null` if it is not a finite number below 9e18 / 10^scale,
    /// since JSON spells no other.
    ///
    /// - Parameters: see `writeDecimal(_:scale:droppingTrailingZeros:into:)`.
    package static func writeDecimal(rounding value: Double, scale: Int, droppingTrailingZeros: Bool = true, into buffer: inout ByteBuffer) {
        precondition(1...18 ~= scale, "the scale is 1 to 18")
        let scaled = (value * Double(self.powersOfTen[scale])).rounded(.toNearestOrEven)
        guard scaled.magnitude < 9e18 else {
            buffer.writeStaticString("null")
            return
        }
        self.writeDecimal(Int64(scaled), scale: scale, droppingTrailingZeros: droppingTrailingZeros, into: &buffer)
    }

    private static let powersOfTen: InlineArray<19, UInt64> = [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000,
        1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000, 100_000_000_000_000_000,
        1_000_000_000_000_000_000,
    ]
}
