import Glibc
import MemoryStore
import TestSupport

/// A sequence of keys to read, each with a size in bytes. Reproducible from its seed.
struct Trace {
    let name: String
    let keys: [Int32]
    /// Bytes of each key's entry.
    let sizes: [Int]
    /// Bytes of all distinct keys that cache sizes refer to.
    let footprint: Int

    private static let population = 100_000
    private static let length = 2_000_000

    static func zipf(_ alpha: Double) -> Trace {
        var random = SplitMix64(seed: 1)
        let zipf = ZipfDistribution(count: population, alpha: alpha)
        return uniform("Zipf \(alpha)", (0..<length).map { _ in Int32(zipf.draw(using: &random)) }, keyCount: population)
    }

    /// Every 100 000 reads a scan of 50 000 keys that never come again.
    static func zipfWithScans() -> Trace {
        var random = SplitMix64(seed: 2)
        let zipf = ZipfDistribution(count: population, alpha: 0.9)
        var keys: [Int32] = []
        var nextOnce = Int32(population)
        for read in 1...length {
            keys.append(Int32(zipf.draw(using: &random)))
            guard read % 100_000 == 0 else { continue }
            keys += nextOnce..<nextOnce + 50_000
            nextOnce += 50_000
        }
        return uniform("Zipf 0.9 with scans", keys, keyCount: Int(nextOnce))
    }

    /// Round and round over a fifth more than the cache holds.
    static func loop(cacheShare: Double) -> Trace {
        let count = Int(Double(population) * cacheShare * 1.2)
        return uniform("Loop of 1.2 x the cache", (0..<length).map { Int32($0 % count) }, keyCount: population)
    }

    /// Every 100 000 reads a tenth of the ranks belong to other keys.
    static func shifting() -> Trace {
        var random = SplitMix64(seed: 3)
        let zipf = ZipfDistribution(count: population, alpha: 0.9)
        let keys = (0..<length).map { read in
            Int32((zipf.draw(using: &random) + read / 100_000 * (population / 10)) % population)
        }
        return uniform("Zipf 0.9, popularity shifts", keys, keyCount: population)
    }

    /// Sizes from 16 B to 64 KiB, uniform in the logarithm.
    static func mixedSizes() -> Trace {
        var random = SplitMix64(seed: 4)
        let sizes = (0..<population).map { _ in Int(exp2(Double.random(in: 4...16, using: &random))) + 150 }
        return Trace(name: "Zipf 0.9, 16 B to 64 KiB", keys: zipf(0.9).keys, sizes: sizes, footprint: sizes.reduce(0, +))
    }

    /// What the store charges for 176 bytes of key and value exactly, so that it is charged what the ideal policies are.
    private static let equalSize = MemoryFootprint.slotBytes + MemoryFootprint.storageBytes(176)

    private static func uniform(_ name: String, _ keys: [Int32], keyCount: Int) -> Trace {
        Trace(name: name, keys: keys, sizes: Array(repeating: equalSize, count: keyCount), footprint: population * equalSize)
    }
}
