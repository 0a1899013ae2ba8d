import NIOCore

/// Text primitives of the answer writers: no `String`, no formatting machinery.
extension ByteBuffer {
    /// Appends `number` in decimal digits.
    mutating func appendDecimal(_ number: Int) {
        if number < 0 { self.writeInteger(UInt8(ascii: "-")) }
        var rest = number.magnitude
        guard rest > 9 else {
            self.writeInteger(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest))
            return
        }
        let count = Self.decimalDigitCount(rest)
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            var index = count
            while index > 0 {
                index -= 1
                bytes[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return count
        }
    }

    /// How many characters `appendDecimal` writes for a number that is not negative.
    static func decimalDigitCount(_ number: UInt) -> Int {
        var count = 1
        var rest = number
        while rest > 9 {
            rest /= 10
            count += 1
        }
        return count
    }

    /// Appends nanoseconds as seconds with nine decimals: 12,345 is `0.000012345`.
    mutating func appendSeconds(nanoseconds: Int) {
        let (seconds, fraction) = max(0, nanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
        self.appendDecimal(seconds)
        var rest = fraction
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: 10) { bytes in
            bytes[0] = UInt8(ascii: ".")
            for index in stride(from: 9, to: 0, by: -1) {
                bytes[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return 10
        }
    }

    /// Appends sixteen lower-case hexadecimal digits.
    mutating func appendHex(_ number: UInt64) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: 16) { bytes in
            for index in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * index)) & 0xf
                bytes[index] = digit &+ (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
            }
            return 16
        }
    }

    /// Appends two digits, the first of which may be zero.
    mutating func appendTwoDigits(_ number: Int) {
        self.writeInteger(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number / 10 % 10))
        self.writeInteger(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number % 10))
    }
}
