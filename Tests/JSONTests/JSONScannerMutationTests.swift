import TestSupport
import Testing

@testable import JSON

/// Verdicts on damaged documents, in agreement with `JSONSerialization` except for known reasons. That a reason applies is
/// checked by taking its cause away, but for UTF-16 and UTF-32, where a zero among the first four bytes is taken for it.
@Suite struct JSONScannerMutationTests {
    private static let seed: UInt64 = 0x4341_4348_4548_5454

    @Test func agreesOnMutations() {
        var random = SplitMix64(seed: Self.seed)
        let documents = JSONCase.valid.filter { 2...400 ~= $0.bytes.count }.map(\.bytes)
        var accepted = 0
        for round in 0..<20_000 {
            var bytes = documents.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...3, using: &random) { Self.mutate(&bytes, with: documents, using: &random) }
            let ours = isJSON(bytes)
            if ours { accepted += 1 }
            guard ours != foundationAccepts(bytes) else { continue }
            let isExplained = ours ? Self.isRefusedForItsSize(bytes) : Self.isAcceptedByLeniency(bytes)
            #expect(isExplained, "seed \(Self.seed) round \(round): \(ours) for \(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
        // Both verdicts have to be frequent for their agreement to mean something.
        #expect(2_000...18_000 ~= accepted, "seed \(Self.seed): \(accepted) accepted")
    }

    /// Whatever the scanner makes of damaged text, the offset of its failure is within the text, in both units.
    @Test func failuresAreWithinTheText() {
        var random = SplitMix64(seed: Self.seed ^ 1)
        let documents = JSONCase.valid.filter { 2...400 ~= $0.bytes.count }.map(\.bytes)
        for round in 0..<20_000 {
            var bytes = documents.randomElement(using: &random) ?? []
            Self.mutate(&bytes, with: documents, using: &random)
            do throws(JSONError) {
                let root = try JSONScanner.validate(bytes.span)
                #expect(root.range.lowerBound >= 0 && root.range.upperBound <= bytes.count && !root.range.isEmpty)
            } catch {
                let prefix = bytes.prefix(error.byteOffset)
                #expect(error.byteOffset <= bytes.count, "seed \(Self.seed ^ 1) round \(round)")
                #expect(error.characterOffset == String(decoding: prefix, as: UTF8.self).unicodeScalars.count, "seed \(Self.seed ^ 1) round \(round)")
            }
        }
    }

    private static let interesting =
        Array("[]{}\",:\\/ue+-.0123456789 \n\ttfn".utf8) + [0x00, 0x1F, 0x7F, 0x80, 0xBF, 0xC3, 0xE2, 0xED, 0xF0, 0xF4, 0xFF]

    private static func mutate(_ bytes: inout [UInt8], with documents: [[UInt8]], using random: inout SplitMix64) {
        guard !bytes.isEmpty else { return }
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: bytes.remove(at: index)
        case 1: bytes[index] = interesting.randomElement(using: &random) ?? 0
        case 2: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: index)
        case 3: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 4: bytes.swapAt(index, Int.random(in: 0..<bytes.count, using: &random))
        case 5: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...8, using: &random)))
        case 6: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + Int.random(in: 1...8, using: &random))], at: index)
        default: bytes.insert(contentsOf: documents.randomElement(using: &random) ?? [], at: index)
        }
    }

    /// What `JSONSerialization` lets pass: a byte order mark, UTF-16 and UTF-32, and a comma before a closing bracket. True if the bytes
    /// are JSON once that is taken away.
    private static func isAcceptedByLeniency(_ bytes: [UInt8]) -> Bool {
        var bytes = bytes
        if bytes.prefix(4).contains(0) || bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return true }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        return isJSON(withoutTrailingCommas(bytes))
    }

    private static func withoutTrailingCommas(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if !isInString, byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") {
                let last = result.lastIndex { !JSONScanner.isWhitespace($0) }
                // A comma behind nothing is no trailing comma.
                if let last, last > 0, result[last] == UInt8(ascii: ","), !"[{,:".utf8.contains(result[last - 1]) { result.remove(at: last) }
            }
            if byte == UInt8(ascii: "\""), !isEscaped { isInString.toggle() }
            isEscaped = isInString && byte == UInt8(ascii: "\\") && !isEscaped
            result.append(byte)
        }
        return result
    }

    /// What `JSONSerialization` refuses though it is JSON: numbers beyond a double, and surrogate escapes without their other half. True if
    /// it accepts the bytes once exponents are zero, digits few and surrogate escapes others.
    private static func isRefusedForItsSize(_ bytes: [UInt8]) -> Bool {
        var result: [UInt8] = []
        var digits = 0
        var isInExponent = false
        for byte in bytes {
            let isDigit = UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            digits = isDigit ? digits + 1 : 0
            let isSign = byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            isInExponent = byte | 0x20 == UInt8(ascii: "e") || isInExponent && (isDigit || isSign)
            if isDigit, digits > 30 { continue }
            let followsEscape = result.suffix(2) == [UInt8(ascii: "\\"), UInt8(ascii: "u")]
            if followsEscape, byte | 0x20 == UInt8(ascii: "d") {
                result.append(UInt8(ascii: "c"))
            } else {
                result.append(isDigit && isInExponent ? UInt8(ascii: "0") : byte)
            }
        }
        return foundationAccepts(result)
    }
}
