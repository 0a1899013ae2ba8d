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
