/// SipHash-c-d, a keyed hash of a byte string to 64 bits (Aumasson and Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012).
///
/// The users of a cache choose its keys, so with a known hash function an attacker could choose keys that collide in one shard and one run of the
/// index ("hash flooding"). With a secret random seed, SipHash is designed to be a pseudo-random function: without the seed, an attacker cannot do
/// better than chance. The store uses one round per word and three at the end, as the hash tables of Rust, Ruby and Swift do. The paper claims full
/// strength only for SipHash-2-4, which is implemented here to check the reference values of the paper. The hash is not a signature: only speed
/// depends on it.
///
/// Swift's own `Hasher` is the same function, but it cannot be seeded for a test, and it mixes in the length.
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

/// The 128-bit secret of ``SipHash``.
package struct HashSeed: Sendable {
    let low: UInt64
    let high: UInt64

    /// A fixed seed, for reproducible tests and measurements only.
    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// A seed from the system's source of randomness.
    package static func random() -> HashSeed {
        var generator = SystemRandomNumberGenerator()
        return HashSeed(low: generator.next(), high: generator.next())
    }
}
