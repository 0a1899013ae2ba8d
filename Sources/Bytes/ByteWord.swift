/// Eight bytes of text in one machine word, searched all at once ("SIMD within a register").
///
/// With the first byte of the text lowest in the word, the lowest marked byte is the first hit.
/// Reference: Henry S. Warren, Hacker's Delight, 2nd edition, section 6-1 ("Find First 0-Byte").
@usableFromInline package struct ByteWord {
    @inlinable package static var byteCount: Int { 8 }

    @inlinable package static var ones: UInt64 { 0x0101_0101_0101_0101 }
    @inlinable package static var highBits: UInt64 { 0x8080_8080_8080_8080 }

    @usableFromInline package let bits: UInt64

    /// Loads the bytes `offset ..< offset + 8`, which must exist. The load is checked against the bounds of `bytes`, and every bit pattern
    /// is a `UInt64`, so it is memory-safe in spite of the name of the function.
    @inlinable @inline(__always)
    package init(_ bytes: RawSpan, at offset: Int) {
        self.bits = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Loads the bytes `offset ..< offset + 8`, which must exist.
    @inlinable @inline(__always)
    package init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        self.bits = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The index, 0 to 7, of the first byte outside ASCII; nil if there is none.
    @inlinable @inline(__always)
    package var firstByteOutsideASCII: Int? {
        Self.lowestByte(in: self.bits & Self.highBits)
    }

    /// How many of the eight bytes start a Unicode scalar, given UTF-8: all but those of the form 10xxxxxx.
    @inlinable @inline(__always)
    package var scalarStarts: Int {
        let continuations = self.bits & ~(self.bits &<< 1) & Self.highBits
        return Self.byteCount &- continuations.nonzeroBitCount
    }

    /// The index, 0 to 7, of the first byte whose top bit is set in `marks`; nil if there is none.
    @inlinable @inline(__always)
    package static func lowestByte(in marks: UInt64) -> Int? {
        marks == 0 ? nil : marks.trailingZeroBitCount &>> 3
    }
}
