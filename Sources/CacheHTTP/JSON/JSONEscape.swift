/// The escapes of JSON strings (RFC 8259 section 7), read.
enum JSONEscape {
    /// The text that `bytes`, the inside of a valid JSON string, stands for. Nil where it has a surrogate escape without its other half:
    /// JSON allows that, but no UTF-8 spells it. O(n).
    static func decode(_ bytes: Span<UInt8>) -> [UInt8]? {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var offset = 0
        while offset < bytes.count {
            guard bytes[offset] == UInt8(ascii: "\\") else {
                text.append(bytes[offset])
                offset &+= 1
                continue
            }
            guard let (scalar, length) = self.scalar(at: offset, in: bytes), let encoded = UTF8.encode(scalar) else { return nil }
            text.append(contentsOf: encoded)
            offset &+= length
        }
        return text
    }

    /// The code unit of the `\uXXXX` at `offset`. Nil where no backslash, no `u` or no four hexadecimal digits stand there.
    static func codeUnit(at offset: Int, in bytes: Span<UInt8>) -> UInt16? {
        guard bytes.count &- offset >= 6, bytes[offset] == UInt8(ascii: "\\"), bytes[offset &+ 1] == UInt8(ascii: "u") else { return nil }
        var unit: UInt16 = 0
        for index in offset &+ 2..<offset &+ 6 {
            guard let digit = self.hexadecimalValue(of: bytes[index]) else { return nil }
            unit = unit &<< 4 | digit
        }
        return unit
    }

    /// The scalar that the valid escape at `offset` stands for, and how many bytes it takes; two escapes where they are a surrogate pair.
    private static func scalar(at offset: Int, in bytes: Span<UInt8>) -> (scalar: Unicode.Scalar, length: Int)? {
        guard let unit = self.codeUnit(at: offset, in: bytes) else {
            guard offset &+ 1 < bytes.count else { return nil }
            return (Unicode.Scalar(self.byte(escapedAs: bytes[offset &+ 1])), 2)
        }
        if let scalar = Unicode.Scalar(unit) { return (scalar, 6) }
        guard UTF16.isLeadSurrogate(unit), let trail = self.codeUnit(at: offset &+ 6, in: bytes), UTF16.isTrailSurrogate(trail) else {
            return nil
        }
        let value = 0x10000 + (UInt32(unit) & 0x3FF) << 10 + UInt32(trail) & 0x3FF
        return Unicode.Scalar(value).map { ($0, 12) }
    }

    private static func byte(escapedAs letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }

    private static func hexadecimalValue(of byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte &- UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte &- UInt8(ascii: "a") &+ 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte &- UInt8(ascii: "A") &+ 10)
        default: nil
        }
    }
}
