import Bytes
import TestSupport
import Testing

@testable import CacheAPI
@testable import HTTPWire

/// The word-wise classes agree with byte-wise ones.
struct ByteWordHeadTests {
    private static func leading(_ bytes: [UInt8], _ isMember: (UInt8) -> Bool) -> Int { bytes.prefix { isMember($0) }.count }

    private static func isName(_ byte: UInt8) -> Bool { ByteClass.isToken(byte) && !"!#$%&'*+^_`|~".utf8.contains(byte) }

    private static func expectAgreement(_ bytes: [UInt8]) {
        let word = bytes.withUnsafeBytes { ByteWord($0, at: 0) }
        #expect(word.leadingVisibleBytes == self.leading(bytes) { $0 >= 0x20 && $0 < 0x7f }, "\(bytes)")
        #expect(word.leadingNameBytes == self.leading(bytes, self.isName), "\(bytes)")
        #expect(word.leadingPlainBytes == self.leading(bytes) { self.isName($0) || $0 == UInt8(ascii: ":") }, "\(bytes)")
    }

    /// Every byte in every place.
    @Test func everyByte() {
        for place in 0..<8 {
            for byte in UInt8.min ... .max {
                var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 8)
                bytes[place] = byte
                Self.expectAgreement(bytes)
            }
        }
    }

    /// Bytes at the edges of the classes beside each other: none carries into its neighbour.
    @Test func neighbours() {
        var random = SplitMix64(seed: 3)
        let edges: [UInt8] = [
            0, 0x1f, 0x20, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x39, 0x3a, 0x3b, 0x40, 0x41, 0x5a, 0x5b, 0x60, 0x61, 0x7a, 0x7b, 0x7e, 0x7f, 0x80, 0xad,
            0xff,
        ]
        for _ in 0..<20_000 {
            Self.expectAgreement((0..<8).map { _ in edges.randomElement(using: &random) ?? 0 })
        }
    }

    /// What is smaller than the byte-wise classes must be inside them: the bytes after a word are judged by those.
    @Test func wordsAreStricterThanBytes() {
        for byte in UInt8.min ... .max {
            let word = Array(repeating: byte, count: 8).withUnsafeBytes { ByteWord($0, at: 0) }
            if word.leadingVisibleBytes > 0 { #expect(ByteClass.isFieldValue(byte)) }
            if word.leadingNameBytes > 0 { #expect(ByteClass.isToken(byte)) }
            if word.leadingPlainBytes > 0 { #expect(ByteClass.isHostCharacter(byte) && ByteClass.isKeyCharacter(byte)) }
        }
    }
}
