import Foundation
import FuzzTargets
import TestSupport
import Testing

/// What fuzzing was begun with and what it found, again, and with random changes: a short run of `make fuzz` in every test run.
@Suite struct FuzzRegressionTests {
    private static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Corpus")

    private static func cases(_ target: FuzzTarget) throws -> [[UInt8]] {
        let folder = self.corpus.appendingPathComponent(target.rawValue)
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).sorted { $0.path < $1.path }
            .map { Array(try Data(contentsOf: $0)) }
    }

    @Test(arguments: FuzzTarget.allCases) func everyCase(_ target: FuzzTarget) throws {
        let cases = try Self.cases(target)
        #expect(!cases.isEmpty)
        for bytes in cases { bytes.withUnsafeBytes { target.run($0) } }
    }

    @Test(arguments: FuzzTarget.allCases) func changedAtRandom(_ target: FuzzTarget) throws {
        let cases = try Self.cases(target)
        let seed = ProcessInfo.processInfo.environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1_000_000)
        print("changes at random of \(target): FUZZ_SEED=\(seed)")
        var random = SplitMix64(seed: seed)
        for _ in 0..<3000 {
            var bytes = cases[Int.random(in: 0..<cases.count, using: &random)]
            for _ in 0...Int.random(in: 0..<4, using: &random) { Self.change(&bytes, cases, &random) }
            bytes.withUnsafeBytes { target.run($0) }
        }
    }

    private static func change(_ bytes: inout [UInt8], _ cases: [[UInt8]], _ random: inout SplitMix64) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...8, using: &random)))
        default:
            let other = cases[Int.random(in: 0..<cases.count, using: &random)]
            bytes.insert(contentsOf: other.prefix(Int.random(in: 0...other.count, using: &random)), at: place)
        }
    }
}
