/// Decimal integers of the protocol, to and from bytes, without a `String` in between.
enum RESPInteger {
    /// Most bytes of a decimal `Int64`: a sign and 19 digits.
    static let maximumBytes = 20

    /// The whole of `bytes` as `[+-]digits`, or nil when it is anything else or does not fit.
    static func parse(_ bytes: Span<UInt8>) -> Int64? {
        guard bytes.count > 0 else {
            return nil
        }
        let isNegative = bytes[0] == UInt8(ascii: "-")
        var index = isNegative || bytes[0] == UInt8(ascii: "+") ? 1 : 0
        guard index < bytes.count else {
            return nil
        }
        // Accumulated below zero, because Int64.min has no positive counterpart.
        var value: Int64 = 0
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else {
                return nil
            }
            let (scaled, scaleOverflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = scaled.subtractingReportingOverflow(Int64(digit))
            guard !scaleOverflow, !sumOverflow else {
                return nil
            }
            value = sum
            index += 1
        }
        guard !isNegative else {
            return value
        }
        return value == .min ? nil : -value
    }

    /// Number of decimal digits.
    static func digitCount(_ value: UInt64) -> Int {
        var count = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }
}
