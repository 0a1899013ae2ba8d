import Bytes
// Public only for the compiler: what is inlined into other modules may name nothing else.
public import NIOCore

/// The place of a JSON value in the text that it was found in.
@usableFromInline package struct JSONElement: Equatable, Sendable {
    /// First byte to one past the last, without surrounding whitespace. A string includes its quotes.
    @usableFromInline package let range: Range<Int>

    package let kind: JSONKind

    /// Whether the value is a string with at least one escape, so that its text differs from its bytes.
    package let hasEscapes: Bool
}

/// The seven kinds of JSON value (RFC 8259 section 3), told apart by their first byte.
@usableFromInline package enum JSONKind: Sendable {
    case object
    case array
    case string
    case number
    case `true`
    case `false`
    case null

    /// The kind of the valid JSON value that starts with `byte`.
    @inline(__always)
    init(firstByte byte: UInt8) {
        switch byte {
        case UInt8(ascii: "{"): self = .object
        case UInt8(ascii: "["): self = .array
        case UInt8(ascii: "\""): self = .string
        case UInt8(ascii: "t"): self = .true
        case UInt8(ascii: "f"): self = .false
        case UInt8(ascii: "n"): self = .null
        default: self = .number
        }
    }
}

extension JSONElement {
    /// The bytes of the value as they stand in the text, sharing its storage. O(1).
    ///
    /// - Parameter buffer: the text that the value was found in, with the same readable bytes.
    @inlinable
    package func slice(of buffer: ByteBuffer) -> ByteBuffer {
        // The range was found within the readable bytes, so that the fallback is out of reach.
        buffer.getSlice(at: buffer.readerIndex + self.range.lowerBound, length: self.range.count) ?? ByteBuffer()
    }

    /// The text of a string value, UTF-8: a slice that shares the storage of `buffer` if no escape stands in it, else a new buffer.
    ///
    /// - Parameter buffer: the text that the value was found in, with the same readable bytes.
    /// - Returns: nil if the value is not a string, or has a surrogate escape without its other half, which UTF-8 cannot spell.
    /// - Complexity: O(1) without escapes, else O(n).
    package func decodeString(in buffer: ByteBuffer) -> ByteBuffer? {
        guard self.kind == .string else { return nil }
        let inside = self.range.lowerBound + 1..<self.range.upperBound - 1
        guard self.hasEscapes else { return buffer.getSlice(at: buffer.readerIndex + inside.lowerBound, length: inside.count) }
        guard let text = JSONEscape.decode(buffer.readableBytesUInt8Span.extracting(inside)) else { return nil }
        return ByteBuffer(bytes: text)
    }
}

/// The escapes of JSON strings (RFC 8259 section 7), read.
enum JSONEscape {
    /// The text that `bytes`, the inside of a valid JSON string, stands for. Nil if it has a surrogate escape without its other half:
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

    /// The code unit of the `\uXXXX` at `offset`. Nil unless a backslash, a `u` and four hexadecimal digits stand there.
    static func codeUnit(at offset: Int, in bytes: Span<UInt8>) -> UInt16? {
        guard bytes.count &- offset >= 6, bytes[offset] == UInt8(ascii: "\\"), bytes[offset &+ 1] == UInt8(ascii: "u") else { return nil }
        var unit: UInt16 = 0
        for index in offset &+ 2..<offset &+ 6 {
            guard let digit = Hexadecimal.value(of: bytes[index]) else { return nil }
            unit = unit &<< 4 | UInt16(digit)
        }
        return unit
    }

    /// The scalar that the valid escape at `offset` stands for, and how many bytes it takes; two escapes if they are a surrogate pair.
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
}
