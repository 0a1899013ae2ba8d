import Foundation
import TestSupport
import Testing

@testable import JSON

/// What is JSON and what is not, in agreement with a second implementation except where the difference is known.
@Suite struct JSONScannerVerdictTests {
    @Test(arguments: JSONCase.valid + JSONCase.invalid)
    func judgesCase(_ one: JSONCase) {
        #expect(isJSON(one.bytes) == one.isValid)
        let agrees = foundationAccepts(one.bytes) == one.isValid
        switch one.foundation {
        case .agrees: #expect(agrees)
        case .differs(let reason): #expect(!agrees, "no longer: \(reason)")
        }
    }

    @Test func corpusIsLargeAndUnambiguous() {
        let all = JSONCase.valid + JSONCase.invalid
        #expect(all.count >= 150)
        #expect(Set(all.map(\.name)).count == all.count)
        #expect(Set(all.map(\.bytes)).count == all.count)
    }

    @Test(arguments: JSONCase.valid.filter { $0.bytes.count <= 1_000 })
    func refusesEveryPrefix(_ one: JSONCase) {
        // Of a number, a prefix can be a number. Of anything else, none is complete before its last byte but for whitespace behind it.
        guard one.bytes.contains(where: { UInt8(ascii: "\"") == $0 || UInt8(ascii: "[") == $0 || UInt8(ascii: "{") == $0 }) else { return }
        let end = one.bytes.lastIndex { $0 > 0x20 } ?? 0
        for length in 0...end {
            #expect(!isJSON(Array(one.bytes[..<length])), "\(length) bytes")
        }
    }

    @Test(arguments: JSONCase.valid) func acceptsSurroundingWhitespace(_ one: JSONCase) {
        #expect(isJSON(Array(" \t\r\n".utf8) + one.bytes + Array("\n\r\t ".utf8)))
    }

    @Test(arguments: [1, 2, 63, 64, 65, 127, 128, 129, 1023, 1024]) func countsDepth(_ limit: Int) {
        for (open, close) in [("[", "]"), (#"{"a":["#, "]}")] {
            let levels = open.filter { "[{".contains($0) }.count
            let deepest = Array((String(repeating: open, count: limit / levels) + String(repeating: close, count: limit / levels)).utf8)
            if limit >= levels { #expect((try? JSONScanner.validate(deepest.span, maximumDepth: limit)) != nil) }
            let deeper = Array((String(repeating: open, count: limit / levels + 1) + String(repeating: close, count: limit / levels + 1)).utf8)
            #expect(throws: JSONError.self) { try JSONScanner.validate(deeper.span, maximumDepth: limit) }
        }
    }

    @Test func depthIsCountedOpenNotInTotal() throws {
        let siblings = Array(("[" + String(repeating: #"[{}],{"a":[]},"#, count: 500) + "0]").utf8)
        try JSONScanner.validate(siblings.span, maximumDepth: 3)
        #expect(throws: JSONError.self) { try JSONScanner.validate(siblings.span, maximumDepth: 2) }
    }

    /// Mixed nesting against a model that keeps the brackets in an array.
    @Test func matchesBracketsAtEveryDepth() {
        var random = SplitMix64(seed: 0x6272_6163_6B65_7473)
        for _ in 0..<300 {
            let depth = Int.random(in: 1...1024, using: &random)
            let objects = (0..<depth).map { _ in Bool.random(using: &random) }
            var text = objects.map { $0 ? #"{"a":"# : "[" }.joined()
            text += "0"
            text += objects.reversed().map { $0 ? "}" : "]" }.joined()
            var bytes = Array(text.utf8)
            #expect((try? JSONScanner.validate(bytes.span, maximumDepth: 1024)) != nil)
            let flipped = Int.random(in: bytes.count - depth..<bytes.count, using: &random)
            bytes[flipped] = bytes[flipped] == UInt8(ascii: "}") ? UInt8(ascii: "]") : UInt8(ascii: "}")
            #expect((try? JSONScanner.validate(bytes.span, maximumDepth: 1024)) == nil)
        }
    }
}

/// Whether the scanner takes `bytes` for JSON within the default depth.
func isJSON(_ bytes: [UInt8]) -> Bool {
    (try? JSONScanner.validate(bytes.span)) != nil
}

/// Whether `JSONSerialization` takes `bytes` for JSON.
func foundationAccepts(_ bytes: [UInt8]) -> Bool {
    (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
}
