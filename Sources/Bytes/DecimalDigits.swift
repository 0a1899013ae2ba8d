/// Decimal digits, written without a `String` in between.
@usableFromInline package enum DecimalDigits {
    /// The most digits of a 64-bit number: 2^64 - 1 has twenty.
    @inlinable package static var maximumCount: Int { 20 }

    /// How many digits a number has; zero has one. O(digits).
    @inlinable
    package static func count(_ number: UInt64) -> Int {
        var count = 1
        var rest = number
        while rest > 9 {
            rest /= 10
            count &+= 1
        }
        return count
    }

    /// Writes the last `count` digits of a number, with zeros in front if it has fewer. O(count).
    ///
    /// - Parameter target: room for `count` bytes.
    @inlinable
    package static func write(_ number: UInt64, count: Int, to target: UnsafeMutableRawPointer) {
        var rest = number
        var index = count
        while index > 0 {
            index &-= 1
            target.storeBytes(of: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10), toByteOffset: index, as: UInt8.self)
            rest /= 10
        }
    }
}
