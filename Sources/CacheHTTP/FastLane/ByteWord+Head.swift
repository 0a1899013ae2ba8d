/// The classes of RFC 9110 and RFC 3986 that a head consists of.
///
/// Idea: with its top bit set aside, a byte has room for a sum that does not carry into its neighbour. Adding `0x80 - first` sets the top bit
/// of just those bytes that are `first` or above, adding `0x7f - last` of those above `last`: two additions compare eight bytes with a range.
/// Reference: Leslie Lamport, "Multiple Byte Processing with Full-Word Instructions", CACM 18 (8), 1975.
extension ByteWord {
    /// How many bytes from the first on are visible ASCII or spaces.
    @inline(__always)
    var leadingVisibleBytes: Int { Self.leading(Self.marks(0x20, 0x7E, self.bits) & ~self.bits) }

    /// How many bytes from the first on are letters, digits, `-` or `.`: what field names consist of, with few exceptions.
    @inline(__always)
    var leadingNameBytes: Int { Self.leading((self.letters | Self.marks(0x2D, 0x2E, self.bits) | Self.marks(0x30, 0x39, self.bits)) & ~self.bits) }

    /// How many bytes from the first on are letters, digits, `-`, `.` or `:`: what hosts and keys consist of, with few exceptions.
    @inline(__always)
    var leadingPlainBytes: Int { Self.leading((self.letters | Self.marks(0x2D, 0x2E, self.bits) | Self.marks(0x30, 0x3A, self.bits)) & ~self.bits) }

    @inline(__always)
    private var letters: UInt64 { Self.marks(0x61, 0x7A, self.bits | Self.ones &* 0x20) }

    /// The top bits of the bytes from `first` to `last`, both ASCII, and of bytes above ASCII that would be there without their top bit.
    @inline(__always)
    private static func marks(_ first: UInt64, _ last: UInt64, _ bits: UInt64) -> UInt64 {
        let low = bits & ~self.highBits
        return (low &+ self.ones &* (0x80 - first)) & ~(low &+ self.ones &* (0x7F - last)) & self.highBits
    }

    @inline(__always)
    private static func leading(_ members: UInt64) -> Int { self.lowestByte(in: ~members & self.highBits) ?? self.byteCount }
}
