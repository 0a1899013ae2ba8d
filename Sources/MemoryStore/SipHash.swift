/// SipHash-c-d, a keyed hash of a byte string to 64 bits (Aumasson and Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012).
///
/// Keys of a cache are chosen by its users, so with a known hash an attacker could choose keys that meet in one shard and one run of the index ("hash
/// flooding"). With a secret random seed SipHash is claimed to be a pseudo-random function: who does not know the seed cannot do better than chance.
/// The store uses one round per word and three at the end, as the hash tables of Rust, Ruby and Swift do; the paper claims its full strength for
/// 2-4 only, which is here so that the reference values of the paper can be checked. The hash is not a signature: nothing relies on it but speed.
///
/// Swift's own `Hasher` is the same function behind an interface that cannot be seeded for a test and that mixes in the length.
struct SipHash {
    private var v0, v1, v2, v3: UInt64
    private let finalizationRounds: Int
    private let compressionRounds: Int

    private init(_ seed: HashSeed, compressionRounds: Int, finalizationRounds: Int) {
        v0 = seed.low ^ 0x736f_6d65_7073_6575
        v1 = seed.high ^ 0x646f_7261_6e64_6f6d
        v2 = seed.low ^ 0x6c79_6765_6e65_7261
        v3 = seed.high ^ 0x7465_6462_7974_6573
        self.compressionRounds = compressionRounds
        self.finalizationRounds = finalizationRounds
    }

    /// SipHash-1-3 unless other numbers of rounds are given. O(length).
    @inline(__always)
    static func hash(_ bytes: Span<UInt8>, seed: HashSeed, compressionRounds: Int = 1, finalizationRounds: Int = 3) -> UInt64 {
        var state = SipHash(seed, compressionRounds: compressionRounds, finalizationRounds: finalizationRounds)
        return bytes.withUnsafeBytes { state.digest($0) }
    }

    @inline(__always)
    private mutating func digest(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let wholeWords = bytes.count & ~7
        var offset = 0
        while offset < wholeWords {
            compress(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        while offset < bytes.count {
            last |= UInt64(bytes[offset]) << UInt64(8 * (offset & 7))
            offset += 1
        }
        compress(last)
        v2 ^= 0xff
        for _ in 0..<finalizationRounds { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    @inline(__always)
    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        for _ in 0..<compressionRounds { round() }
        v0 ^= word
    }

    @inline(__always)
    private mutating func round() {
        v0 &+= v1
        v2 &+= v3
        v1 = Self.rotate(v1, 13) ^ v0
        v3 = Self.rotate(v3, 16) ^ v2
        v0 = Self.rotate(v0, 32)
        v2 &+= v1
        v0 &+= v3
        v1 = Self.rotate(v1, 17) ^ v2
        v3 = Self.rotate(v3, 21) ^ v0
        v2 = Self.rotate(v2, 32)
    }

    @inline(__always)
    private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
        (word << count) | (word >> (64 - count))
    }
}
