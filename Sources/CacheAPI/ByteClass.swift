import Bytes
package import NIOCore

/// Character classes of RFC 9110 and RFC 3986 as 128-bit maps in registers: no table in memory, no branch per character.
@usableFromInline package enum ByteClass {
    @inlinable
    static func contains(_ low: UInt64, _ high: UInt64, _ byte: UInt8) -> Bool {
        guard byte < 128 else { return false }
        return ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
    }

    /// `tchar` of RFC 9110, section 5.6.2.
    @inlinable
    package static func isToken(_ byte: UInt8) -> Bool {
        self.contains(0x03ff_6cfa_0000_0000, 0x57ff_ffff_c7ff_fffe, byte)
    }

    /// `pchar` of RFC 3986, section 3.3, without the percent sign.
    @inlinable
    package static func isKeyCharacter(_ byte: UInt8) -> Bool {
        self.contains(0x2fff_7fd2_0000_0000, 0x47ff_fffe_87ff_ffff, byte)
    }

    /// The characters of a host name or address with a port.
    @inlinable
    package static func isHostCharacter(_ byte: UInt8) -> Bool {
        self.contains(0x07ff_6000_0000_0000, 0x07ff_fffe_afff_fffe, byte)
    }

    /// Visible ASCII, space or tab.
    @inlinable
    package static func isFieldValue(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte < 0x7f) || byte == 0x09
    }

    @inlinable
    package static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    @inlinable
    package static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}

/// Percent-decoding of a key, done exactly once for each request.
package enum PercentDecoding {
    /// The bytes that `encoded` stands for, or nil if an escape is incomplete (RFC 3986, section 2.1). Without an escape, `encoded` itself.
    ///
    /// A plus sign is a plus sign: it means a space in forms only. O(bytes).
    package static func decode(_ encoded: ByteBuffer) -> ByteBuffer? {
        let bytes = encoded.readableBytesView
        guard bytes.contains(UInt8(ascii: "%")) else { return encoded }
        var decoded = ByteBuffer()
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            guard byte == UInt8(ascii: "%") else {
                decoded.writeInteger(byte)
                index += 1
                continue
            }
            guard index + 2 < bytes.endIndex, let high = Hexadecimal.value(of: bytes[index + 1]), let low = Hexadecimal.value(of: bytes[index + 2])
            else { return nil }
            decoded.writeInteger(high << 4 | low)
            index += 3
        }
        return decoded
    }
}
