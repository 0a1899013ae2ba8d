import TestSupport
import Testing

@testable import RedisClient

@Suite struct HashSlotTests {
    private func slot(_ key: String) -> Int {
        let bytes = Array(key.utf8)
        return Int(HashSlot(of: bytes.span).index)
    }

    /// The check value of CRC-16/XMODEM, and what `CLUSTER KEYSLOT` of Redis 7.0.15 says.
    @Test func theSlotsOfAServer() {
        let slots = ["123456789": 12_739, "foo": 12_182, "bar": 5061, "": 0, "{user1000}.following": 3443, "{user1000}.followers": 3443]
        for (key, slot) in slots { #expect(self.slot(key) == slot, "\(key)") }
    }

    @Test func aTagIsWhatStandsInTheFirstBraces() {
        #expect(self.slot("a{foo}b{bar}") == self.slot("foo"))
        #expect(self.slot("{}foo") != self.slot("foo"), "nothing in them: the whole key counts")
        #expect(self.slot("{a") != self.slot("a") && self.slot("}{a}") == self.slot("a"))
        #expect(self.slot("{{a}}b") == self.slot("{a"))
        #expect(self.slot("a}b{c}") == self.slot("c"))
    }

    /// Against the definition, a bit at a time.
    @Test func eightBytesAtATimeAreTheSameAsOneBit() {
        var random = SplitMix64(seed: 16)
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            var expected: UInt16 = 0
            for byte in bytes {
                expected ^= UInt16(byte) << 8
                for _ in 0..<8 { expected = expected & 0x8000 == 0 ? expected << 1 : (expected << 1) ^ 0x1021 }
            }
            #expect(CRC16.checksum(bytes.span) == expected)
        }
    }

    @Test func onlyNumbersInTheRangeAreSlots() {
        #expect(HashSlot(index: -1) == nil && HashSlot(index: 16_384) == nil)
        #expect(HashSlot(index: 0)?.index == 0 && HashSlot(index: 16_383)?.index == 16_383)
    }
}
