/// Eight bytes of text in one machine word, searched all at once ("SIMD within a register").
///
/// Idea: subtracting 1 from every byte of `word ^ pattern` borrows into bit 7 of exactly those bytes that equal the pattern, and subtracting
/// 0x20 does so for the control characters. A borrow also runs on into the bytes above, which may then be reported falsely; the lowest
/// reported byte is always right, and only the lowest is used. With the first byte of the text lowest in the word, that is the first hit.
/// Reference: Henry S. Warren, Hacker's Delight, 2nd edition, section 6-1 ("Find First 0-Byte").
struct ByteWord {
    static let byteCount = 8

    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highBits: UInt64 = 0x8080_8080_8080_8080

    let bits: UInt64

    /// Loads the bytes `offset ..< offset + 8`, which must exist. The load is checked against the bounds of `bytes`, and every bit pattern
    /// is a `UInt64`, so that it is memory-safe in spite of the name of the function.
    @inline(__always)
    init(_ bytes: RawSpan, at offset: Int) {
        self.bits = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Loads the bytes `offset ..< offset + 8`, which must exist.
    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        self.bits = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The index, 0 to 7, of the first byte that ends a run of plain text in a JSON string: a quote, a backslash, a control character or a
    /// byte outside ASCII. Nil where there is none.
    @inline(__always)
    var firstByteToExamine: Int? {
        let quotes = (self.bits ^ (Self.ones &* 0x22)) &- Self.ones
        let backslashes = (self.bits ^ (Self.ones &* 0x5C)) &- Self.ones
        let controls = self.bits &- (Self.ones &* 0x20)
        // No term of its own for bytes outside ASCII: bit 7 survives the subtraction of 1 in all of them but 0xA2 among the quotes and 0xDC
        // among the backslashes, and so in at least one of the two terms.
        return Self.lowestByte(in: (quotes | backslashes | controls) & Self.highBits)
    }

    /// The index, 0 to 7, of the first byte that JSON requires to be escaped: a quote, a backslash or a control character. Nil where there
    /// is none.
    @inline(__always)
    var firstByteToEscape: Int? {
        let quotes = (self.bits ^ (Self.ones &* 0x22)) &- Self.ones
        let backslashes = (self.bits ^ (Self.ones &* 0x5C)) &- Self.ones
        let controls = self.bits &- (Self.ones &* 0x20)
        return Self.lowestByte(in: (quotes | backslashes | controls) & ~self.bits & Self.highBits)
    }

    /// The index, 0 to 7, of the first byte outside ASCII. Nil where there is none.
    @inline(__always)
    var firstByteOutsideASCII: Int? {
        Self.lowestByte(in: self.bits & Self.highBits)
    }

    /// How many of the eight bytes start a Unicode scalar, given UTF-8: all but those of the form 10xxxxxx.
    @inline(__always)
    var scalarStarts: Int {
        let continuations = self.bits & ~(self.bits &<< 1) & Self.highBits
        return Self.byteCount &- continuations.nonzeroBitCount
    }

    @inline(__always)
    static func lowestByte(in marks: UInt64) -> Int? {
        marks == 0 ? nil : marks.trailingZeroBitCount &>> 3
    }
}
