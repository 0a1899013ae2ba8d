package import NIOCore

extension JSONWriter {
    /// Appends an integer in decimal. O(digits), no allocation.
    package static func writeInteger(_ value: Int64, into buffer: inout ByteBuffer) {
        if value < 0 { buffer.writeInteger(UInt8(ascii: "-")) }
        self.writeDigits(value.magnitude, minimumCount: 1, into: &buffer)
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
        if unscaled < 0 { buffer.writeInteger(UInt8(ascii: "-")) }
        self.writeDigits(whole, minimumCount: 1, into: &buffer)
        buffer.writeInteger(UInt8(ascii: "."))
        self.writeDigits(fraction, minimumCount: digits, into: &buffer)
    }

    /// Appends `value` rounded to `scale` digits behind the point, halves to even; `null` where it is not a finite number below 9e18 / 10^scale,
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

    /// Appends `value` in decimal, with zeros in front up to `minimumCount` digits, 1 to 20.
    private static func writeDigits(_ value: UInt64, minimumCount: Int, into buffer: inout ByteBuffer) {
        // 2^64 - 1 has twenty digits; they come out last first.
        var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
        var start = digits.count
        var rest = value
        while rest > 0 {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        start = min(start, digits.count - minimumCount)
        buffer.writeBytes(digits.span.extracting(start..<digits.count).bytes)
    }
}
