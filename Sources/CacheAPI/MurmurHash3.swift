/// MurmurHash3 for 64-bit machines with a result of 128 bits, by Austin Appleby, who put it into the public domain
/// (https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp).
///
/// Two halves of the state take eight bytes each, in turn, and are mixed with each other; at the end every bit of either depends on every bit of the
/// input. It is no cryptographic hash: whoever wants two inputs with the same result can find them.
enum MurmurHash3 {
    struct Digest: Hashable, Sendable {
        let high: UInt64
        let low: UInt64
    }

    private static let c1: UInt64 = 0x87C3_7B91_1142_53D5
    private static let c2: UInt64 = 0x4CF5_AD43_2745_937F

    /// - Parameter seed: the original has 32 bits for it.
    /// - Complexity: O(bytes), sixteen at a time.
    static func hash(_ bytes: RawSpan, seed: UInt64 = 0) -> Digest {
        var (h1, h2) = (seed, seed)
        let blockEnd = bytes.byteCount & ~15
        var offset = 0
        while offset < blockEnd {
            h1 ^= self.mixFirst(self.word(bytes, at: offset))
            h1 = (self.rotated(h1, 27) &+ h2) &* 5 &+ 0x52DC_E729
            h2 ^= self.mixSecond(self.word(bytes, at: offset &+ 8))
            h2 = (self.rotated(h2, 31) &+ h1) &* 5 &+ 0x3849_5AB5
            offset &+= 16
        }
        let rest = bytes.byteCount &- blockEnd
        if rest > 8 {
            h1 ^= self.mixFirst(self.word(bytes, at: blockEnd))
            h2 ^= self.mixSecond(self.lastBytes(of: bytes, count: rest &- 8))
        } else if rest > 0 {
            h1 ^= self.mixFirst(self.lastBytes(of: bytes, count: rest))
        }
        h1 ^= UInt64(bytes.byteCount)
        h2 ^= UInt64(bytes.byteCount)
        h1 &+= h2
        h2 &+= h1
        h1 = self.finished(h1)
        h2 = self.finished(h2)
        h1 &+= h2
        return Digest(high: h1, low: h2 &+ h1)
    }

    @inline(__always)
    private static func word(_ bytes: RawSpan, at offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The last bytes, of which there are so many, 1 to 8, the first of them lowest: out of the last word, if there are enough for one.
    @inline(__always)
    private static func lastBytes(of bytes: RawSpan, count: Int) -> UInt64 {
        if bytes.byteCount >= 8 { return self.word(bytes, at: bytes.byteCount &- 8) >> UInt64(64 &- 8 &* count) }
        var word: UInt64 = 0
        for offset in (bytes.byteCount &- count..<bytes.byteCount).reversed() {
            word = word << 8 | UInt64(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
        }
        return word
    }

    @inline(__always)
    private static func mixFirst(_ word: UInt64) -> UInt64 { self.rotated(word &* self.c1, 31) &* self.c2 }

    @inline(__always)
    private static func mixSecond(_ word: UInt64) -> UInt64 { self.rotated(word &* self.c2, 33) &* self.c1 }

    @inline(__always)
    private static func rotated(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 &- bits) }

    private static func finished(_ state: UInt64) -> UInt64 {
        var state = state
        state = (state ^ state >> 33) &* 0xFF51_AFD7_ED55_8CCD
        state = (state ^ state >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return state ^ state >> 33
    }
}
