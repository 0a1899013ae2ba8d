import TestSupport
import Testing

@testable import Bytes

/// Well-formedness of UTF-8 against the standard library.
@Suite struct UTF8ValidatorTests {
    /// Each lead byte before all combinations of the bytes at which some rule changes.
    @Test func agreesOnAllBoundaries() {
        let edges: [UInt8] = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
        for lead in UInt8.min...UInt8.max {
            for second in edges {
                for third in edges {
                    for fourth in edges {
                        let bytes = [lead, second, third, fourth]
                        guard UTF8Validator.isValid(bytes.span) != (String(validating: bytes, as: UTF8.self) != nil) else { continue }
                        Issue.record("\(bytes)")
                    }
                }
            }
        }
    }

    @Test func agreesOnSequencesCutOff() {
        for scalar in ["\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}"] {
            let bytes = Array(scalar.utf8)
            #expect(UTF8Validator.firstMalformedByte(in: bytes.span) == nil)
            for length in 1..<bytes.count {
                #expect(UTF8Validator.firstMalformedByte(in: Array(bytes[..<length]).span) == 0)
            }
        }
    }

    /// The first bad byte is found wherever it stands in a word, behind ASCII and behind longer sequences.
    @Test func findsFirstMalformedByte() {
        for prefix in ["", "a", "abcdefg", "abcdefgh", "abcdefghi", "é", "aé", "€€€", "😀abcdefghijklmnop", "abcdefghijklmnopé"] {
            for suffix in ["", "b", "bcdefghijklmnop", "é\u{80}"] {
                let bytes = Array(prefix.utf8) + [0xFF] + Array(suffix.utf8)
                #expect(UTF8Validator.firstMalformedByte(in: bytes.span) == prefix.utf8.count)
            }
        }
    }

    @Test func countsScalars() {
        var random = SplitMix64(seed: 0x7363_616C_6172)
        let alphabet: [Unicode.Scalar] = ["a", "é", "€", "😀", "\u{7F}", "\u{80}", "\u{BF}", "\u{FFFF}"]
        for _ in 0..<1_000 {
            let length = Int.random(in: 0...30, using: &random)
            let text = String(String.UnicodeScalarView((0..<length).map { _ in alphabet.randomElement(using: &random) ?? "a" }))
            #expect(UTF8Validator.scalarCount(in: Array(text.utf8).span) == length)
        }
    }
}
