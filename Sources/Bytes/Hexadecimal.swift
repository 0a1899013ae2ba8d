/// Hexadecimal digits, to and from bytes.
@usableFromInline package enum Hexadecimal {
    /// The value of a digit in either case; nil if `byte` is none.
    @inlinable
    package static func value(of byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
        default: nil
        }
    }

    /// The value of a digit in lower case; nil if `byte` is none.
    @inlinable
    package static func valueOfLowercase(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        default: nil
        }
    }

    /// The digit, in lower case, of a value below 16.
    @inlinable
    package static func digit(_ value: UInt8) -> UInt8 {
        value &+ (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
    }

    /// The eight digits, in lower case, of a number, as a word that has the first digit first in memory.
    ///
    /// All at once: three shifts bring each half-byte into a byte of its own. Adding 0x76 sets the top bit of those above 9, which are letters.
    @inlinable @inline(__always)
    package static func digits(_ number: UInt32) -> UInt64 {
        var values = UInt64(number)
        values = (values | values << 16) & 0x0000_FFFF_0000_FFFF
        values = (values | values << 8) & 0x00FF_00FF_00FF_00FF
        values = (values | values << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = ((values &+ ByteWord.ones &* 0x76) & ByteWord.highBits) >> 7
        let distance = UInt64(UInt8(ascii: "a") - 10 - UInt8(ascii: "0"))
        return (values &+ ByteWord.ones &* UInt64(UInt8(ascii: "0")) &+ letters &* distance).bigEndian
    }

    /// Two digits in lower case for each byte.
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [self.digit($0 >> 4), self.digit($0 & 0xF)] }, as: UTF8.self)
    }

    /// Sixteen digits in lower case.
    package static func text(_ number: UInt64) -> String {
        String(maximumByteCount: 16) { $0.appendHexadecimal(number) }
    }

    /// The bytes that `text` spells, two digits each; nil if it has anything else or half a byte.
    package static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var digits = text.utf8.makeIterator()
        while let first = digits.next() {
            guard let high = self.value(of: first), let low = digits.next().flatMap(self.value(of:)) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
