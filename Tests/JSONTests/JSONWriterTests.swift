import Bytes
import Foundation
import NIOCore
import TestSupport
import Testing

@testable import JSON

/// The spelling of what the service writes.
@Suite struct JSONWriterTests {
    private func written(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer)
    }

    @Test func writesStringsAsPython() {
        // json.dumps("".join(map(chr, range(0x20))), ensure_ascii=False)
        let controls = String(String.UnicodeScalarView((0..<0x20).compactMap(Unicode.Scalar.init)))
        let expected =
            #""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f"#
            + #"\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f""#
        #expect(written { JSONWriter.writeString(controls, into: &$0) } == expected)
        #expect(written { JSONWriter.writeString("", into: &$0) } == #""""#)
        #expect(written { JSONWriter.writeString(#"a"b\c/d"#, into: &$0) } == #""a\"b\\c/d""#)
        #expect(written { JSONWriter.writeString("é€😀\u{7F}\u{2028}", into: &$0) } == "\"é€😀\u{7F}\u{2028}\"")
        #expect(written { JSONWriter.writeString(ByteBuffer(string: "a\nb"), into: &$0) } == #""a\nb""#)
    }

    /// What needs an escape is found at each place of a word, next to non-ASCII too, and the scanner reads back what was written.
    @Test func stringsSurviveAtEveryOffset() throws {
        var random = SplitMix64(seed: 0x7772_6974_6572)
        let alphabet: [Unicode.Scalar] = ["a", "b", "\"", "\\", "\n", "\u{0}", "\u{1F}", "\u{7F}", "é", "€", "😀", "!", "#", "[", "]"]
        for round in 0..<3_000 {
            let length = Int.random(in: 0...40, using: &random)
            let text = String(String.UnicodeScalarView((0..<length).map { _ in alphabet.randomElement(using: &random) ?? "a" }))
            var buffer = ByteBuffer()
            JSONWriter.writeString(text, into: &buffer)
            let root = try JSONScanner.validate(buffer.readableBytesUInt8Span)
            #expect(root.decodeString(in: buffer) == ByteBuffer(string: text), "round \(round)")
            #expect(try JSONSerialization.jsonObject(with: Data(buffer.readableBytesView), options: .fragmentsAllowed) as? String == text)
        }
    }

    @Test(arguments: [0, 1, 9, 10, 99, 12_345, Int64.max, -1, -10, Int64.min]) func writesIntegers(_ value: Int64) {
        #expect(written { JSONWriter.writeInteger(value, into: &$0) } == String(value))
    }

    @Test func writesDecimals() {
        func decimal(_ unscaled: Int64, _ scale: Int, dropping: Bool = true) -> String {
            written { JSONWriter.writeDecimal(unscaled, scale: scale, droppingTrailingZeros: dropping, into: &$0) }
        }
        #expect(decimal(6225, 2) == "62.25")
        #expect(decimal(6250, 2) == "62.5")
        #expect(decimal(6200, 2) == "62.0")
        #expect(decimal(5, 2) == "0.05")
        #expect(decimal(0, 2) == "0.0")
        #expect(decimal(10_000, 2) == "100.0")
        #expect(decimal(-5, 1) == "-0.5")
        #expect(decimal(6250, 2, dropping: false) == "62.50")
        #expect(decimal(0, 3, dropping: false) == "0.000")
        #expect(decimal(.min, 18) == "-9.223372036854775808")
        #expect(decimal(.max, 1) == "922337203685477580.7")
    }

    @Test func roundsDoubles() {
        func decimal(_ value: Double, _ scale: Int) -> String { written { JSONWriter.writeDecimal(rounding: value, scale: scale, into: &$0) } }
        #expect(decimal(62.254, 2) == "62.25")
        #expect(decimal(62.256, 2) == "62.26")
        #expect(decimal(0.125, 2) == "0.12")
        #expect(decimal(100, 2) == "100.0")
        #expect(decimal(-0.001, 2) == "0.0")
        #expect(decimal(.nan, 2) == "null")
        #expect(decimal(.infinity, 2) == "null")
        #expect(decimal(-1e300, 2) == "null")
    }

    @Test func compactsOutsideStringsOnly() {
        func compacted(_ text: String) -> String { written { JSONWriter.writeCompacted(Array(text.utf8).span, into: &$0) } }
        #expect(compacted(" { \"a\" : [ 1 ,\t\"x  y\" ],\r\n\"b\\\" \\\\\" : \" \\\\\" } ") == #"{"a":[1,"x  y"],"b\" \\":" \\"}"#)
        #expect(compacted("[]") == "[]")
        #expect(compacted("1.50") == "1.50")
    }

    /// The words' bit tricks against what they stand for, with each byte at each place among neighbours of several kinds.
    @Test func findsBytesInWords() {
        for neighbour: UInt8 in [0x61, 0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F, 0x80, 0xA2, 0xDC, 0xFF] {
            for place in 0..<8 {
                for byte in UInt8.min...UInt8.max {
                    var bytes = [UInt8](repeating: neighbour, count: 8)
                    bytes[place] = byte
                    let word = ByteWord(bytes.span.bytes, at: 0)
                    let mustEscape: (UInt8) -> Bool = { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
                    #expect(word.firstByteToEscape == bytes.firstIndex(where: mustEscape))
                    #expect(word.firstByteToExamine == bytes.firstIndex { mustEscape($0) || $0 >= 0x80 })
                }
            }
        }
    }

    /// Whatever a text holds, its string stays on its line; what it stands for is the text, cut behind a whole scalar if it is too long.
    @Test func lineStrings() throws {
        var random = SplitMix64(seed: 0x6C69_6E65)
        let alphabet: [Unicode.Scalar] = [
            "a", "\"", "\\", "\n", "\r", "\u{0}", "\u{1F}", "\u{7E}", "\u{7F}", "\u{80}", "\u{85}", "\u{9F}", "\u{A0}", "é", "\u{2027}", "\u{2028}",
            "\u{2029}", "\u{202A}", "€", "😀",
        ]
        for _ in 0..<3_000 {
            let scalars = (0..<Int.random(in: 0...20, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" }
            let text = String(String.UnicodeScalarView(scalars))
            let limit = Int.random(in: 0...40, using: &random)
            var kept = String.UnicodeScalarView()
            for scalar in scalars {
                guard String(kept).utf8.count + UTF8.width(scalar) <= limit else { break }
                kept.append(scalar)
            }
            let expected = String(kept) + (kept.count < scalars.count ? "…" : "")
            var buffer = ByteBuffer()
            JSONWriter.writeLineString(text, maximumByteCount: limit, into: &buffer)
            #expect(
                !String(buffer: buffer).unicodeScalars.contains {
                    $0.value < 0x20 || (0x7F...0x9F).contains($0.value) || $0 == "\u{2028}" || $0 == "\u{2029}"
                })
            let decoded = try #require(try JSONScanner.validate(buffer.readableBytesUInt8Span).decodeString(in: buffer))
            #expect(String(buffer: decoded) == expected)
        }
    }
}
