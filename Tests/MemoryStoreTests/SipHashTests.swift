import Testing

@testable import MemoryStore

struct SipHashTests {
    /// The key 00 01 ... 0f of the paper's appendix A, read as two little-endian words.
    private let seed = HashSeed(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908)

    @Test func `SipHash-2-4 gives the reference value of the paper`() {
        let message = (0..<15).map { UInt8($0) }
        let hash = SipHash.hash(message.span, seed: seed, compressionRounds: 2, finalizationRounds: 4)
        #expect(hash == 0xa129_ca61_49be_45e5)
    }

    @Test(arguments: zip([0, 1, 8], [0x726f_db47_dd0e_0e31, 0x74f8_39c5_93dc_67fd, 0x93f5_f579_9a93_2462] as [UInt64]))
    func `SipHash-2-4 gives the reference vectors of its authors`(length: Int, expected: UInt64) {
        let message = (0..<length).map { UInt8($0) }
        let hash = SipHash.hash(message.span, seed: seed, compressionRounds: 2, finalizationRounds: 4)
        #expect(hash == expected)
    }

    @Test func `the hash depends on every byte, on the length and on the seed`() {
        let other = HashSeed(low: 1, high: 2)
        for length in 0..<40 {
            let message = [UInt8](repeating: 0, count: length)
            let hash = SipHash.hash(message.span, seed: seed)
            #expect(hash != hashed(message + [0]))
            #expect(hash != hashed(message, seed: other))
            for position in 0..<length {
                var changed = message
                changed[position] = 1
                #expect(hash != hashed(changed))
            }
        }
    }

    private func hashed(_ bytes: [UInt8], seed: HashSeed? = nil) -> UInt64 {
        SipHash.hash(bytes.span, seed: seed ?? self.seed)
    }
}
