/// Strict UTF-8 (RFC 3629; the well-formed sequences of the Unicode Standard, table 3-7): no overlong forms, no surrogates, nothing above
/// U+10FFFF.
@usableFromInline package enum UTF8Validator {
    /// Whether `bytes` is well-formed UTF-8. O(n).
    package static func isValid(_ bytes: Span<UInt8>) -> Bool {
        self.firstMalformedByte(in: bytes) == nil
    }

    /// The offset of the first byte that does not start a well-formed sequence. Nil if all do. O(n).
    package static func firstMalformedByte(in bytes: Span<UInt8>) -> Int? {
        let raw = bytes.bytes
        var offset = 0
        while offset < bytes.count {
            if bytes[offset] < 0x80 {
                guard bytes.count &- offset >= ByteWord.byteCount else {
                    offset &+= 1
                    continue
                }
                offset &+= ByteWord(raw, at: offset).firstByteOutsideASCII ?? ByteWord.byteCount
                continue
            }
            let length = self.sequenceLength(at: offset, in: bytes)
            guard length > 0 else { return offset }
            offset &+= length
        }
        return nil
    }

    /// How many Unicode scalars `bytes` has, which must be UTF-8, possibly cut off at its end. O(n).
    package static func scalarCount(in bytes: Span<UInt8>) -> Int {
        let raw = bytes.bytes
        var offset = 0
        var count = 0
        while bytes.count &- offset >= ByteWord.byteCount {
            count &+= ByteWord(raw, at: offset).scalarStarts
            offset &+= ByteWord.byteCount
        }
        while offset < bytes.count {
            if bytes[offset] & 0xC0 != 0x80 { count &+= 1 }
            offset &+= 1
        }
        return count
    }

    /// The length, 2 to 4, of the well-formed sequence that starts at `offset` with a byte outside ASCII. 0 if it is malformed or cut off.
    @inlinable @inline(__always)
    package static func sequenceLength(at offset: Int, in bytes: Span<UInt8>) -> Int {
        let available = bytes.count &- offset
        let lead = bytes[offset]
        switch lead {
        case 0xC2...0xDF:
            guard available >= 2, bytes[offset &+ 1] & 0xC0 == 0x80 else { return 0 }
            return 2
        case 0xE0...0xEF:
            guard available >= 3, bytes[offset &+ 2] & 0xC0 == 0x80 else { return 0 }
            let second = bytes[offset &+ 1]
            // E0 must not be overlong, ED must not spell a surrogate.
            let lowest: UInt8 = lead == 0xE0 ? 0xA0 : 0x80
            let highest: UInt8 = lead == 0xED ? 0x9F : 0xBF
            return lowest <= second && second <= highest ? 3 : 0
        case 0xF0...0xF4:
            guard available >= 4, bytes[offset &+ 2] & 0xC0 == 0x80, bytes[offset &+ 3] & 0xC0 == 0x80 else { return 0 }
            let second = bytes[offset &+ 1]
            // F0 must not be overlong, F4 must not exceed U+10FFFF.
            let lowest: UInt8 = lead == 0xF0 ? 0x90 : 0x80
            let highest: UInt8 = lead == 0xF4 ? 0x8F : 0xBF
            return lowest <= second && second <= highest ? 4 : 0
        default:
            return 0
        }
    }
}
