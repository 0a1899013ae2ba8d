/// Eight bytes of a head in one machine word, classified all at once ("SIMD within a register").
///
/// Idea: with its top bit set aside, a byte has room for a sum that does not carry into its neighbour. Adding `0x80 - first` sets the top bit
/// of just those bytes that are `first` or above, adding `0x7f - last` of those above `last`: two additions compare eight bytes with a range.
/// Reference: Leslie Lamport, "Multiple Byte Processing with Full-Word Instructions", CACM 18 (8), 1975.
struct HeadWord {
    static let byteCount = 8

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    private let bits: UInt64

    /// Loads the bytes `offset ..< offset + 8`, which must exist.
    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        self.bits = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

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
        let low = bits & ~self.tops
        return (low &+ self.ones &* (0x80 - first)) & ~(low &+ self.ones &* (0x7F - last)) & self.tops
    }

    @inline(__always)
    private static func leading(_ members: UInt64) -> Int { (~members & self.tops).trailingZeroBitCount &>> 3 }
}
