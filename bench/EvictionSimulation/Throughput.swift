import Glibc
import MemoryStore
import TestSupport

/// What the store costs: operations a second, and (to be run in a process of its own) resident memory against the bound.
enum Throughput {
    private static let keyCount = 100_000
    private static let operations = 4_000_000

    static func print() async {
        let store = MemoryStore(MemoryStoreConfiguration())
        let value = [UInt8](repeating: 1, count: 100)
        let keys = (0..<keyCount).map { Array("key:\($0)".utf8) }
        var random = SplitMix64(seed: 1)
        let zipf = ZipfDistribution(count: keyCount, alpha: 0.9)
        let ranks = (0..<1 << 20).map { _ in Int32(zipf.draw(using: &random)) }
        let now = MonotonicTime(milliseconds: 0)
        let deadline = MonotonicTime(milliseconds: 60_000)
        for key in keys { _ = store.set(key.span, value: value.span, expiresAt: deadline, now: now) }
        for threads in [1, 2] {
            let gets = await rate(threads: threads) { thread in
                var bytes = 0
                for operation in 0..<operations {
                    let key = keys[Int(ranks[(operation + thread * 300_000) & (ranks.count - 1)])]
                    bytes += store.get(key.span, now: now)?.valueCount ?? 0
                }
                precondition(bytes == operations * 100)
            }
            let sets = await rate(threads: threads) { thread in
                for operation in 0..<operations {
                    let key = keys[Int(ranks[(operation + thread * 300_000) & (ranks.count - 1)])]
                    _ = store.set(key.span, value: value.span, expiresAt: deadline, now: now)
                }
            }
            Swift.print("\(threads) thread(s): \(millions(gets)) M get hits/s, \(millions(sets)) M sets/s")
        }
    }

    private static func rate(threads: Int, _ body: @escaping @Sendable (Int) -> Void) async -> Double {
        let clock = ContinuousClock()
        let duration = await clock.measure {
            await withTaskGroup(of: Void.self) { group in
                for thread in 0..<threads { group.addTask { @concurrent in body(thread) } }
            }
        }
        return Double(threads * operations) / (duration / .seconds(1))
    }

    /// The longest that one insertion takes while three million entries come into a single shard: what growing its structures costs.
    static func printLongestStep() {
        let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 4 << 30, shardCount: 1))
        let value = [UInt8](repeating: 1, count: 64)
        let clock = ContinuousClock()
        var longest = Duration.zero
        for number in 0..<3_000_000 {
            let elapsed = clock.measure {
                withUnsafeBytes(of: (number, number)) { key in
                    _ = store.set(
                        key.bindMemory(to: UInt8.self).span, value: value.span, expiresAt: nil, now: MonotonicTime(milliseconds: 0))
                }
            }
            longest = max(longest, elapsed)
        }
        Swift.print("longest insertion into a shard that grows to 3 million entries: \(HitRatioTable.decimal(longest / .milliseconds(1))) ms")
    }

    private static func millions(_ value: Double) -> String { HitRatioTable.decimal(value / 1e6) }

    /// Writes ten times the bound in entries of very different sizes, the hardest case for an allocator, divided among some threads.
    static func printResidentMemory(threads: Int) async {
        let bound = 256 << 20
        let before = ResidentMemory.bytes
        let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: bound))
        let peaks = await withTaskGroup(of: Int.self) { group in
            for thread in 0..<threads {
                group.addTask { @concurrent in
                    writeMixedSizes(to: store, byteCount: 10 * bound / threads, seed: UInt64(thread))
                }
            }
            return await group.reduce(0, max)
        }
        let charged = store.statistics(now: MonotonicTime(milliseconds: 0)).bytes
        Swift.print(
            "\(threads) thread(s), bound \(bound >> 20) MiB, \(10 * bound >> 20) MiB written in values of 16 B to 64 KiB: "
                + "charged \(charged >> 20) MiB, resident growth at most \((peaks - before) >> 20) MiB")
    }

    /// Returns the greatest resident set seen on the way.
    private static func writeMixedSizes(to store: MemoryStore, byteCount: Int, seed: UInt64) -> Int {
        var random = SplitMix64(seed: seed)
        let value = [UInt8](repeating: 1, count: 64 << 10)
        let now = MonotonicTime(milliseconds: 0)
        var (written, number, peak) = (0, Int(seed) << 40, 0)
        while written < byteCount {
            let size = Int(exp2(Double.random(in: 4...16, using: &random)))
            withUnsafeBytes(of: number) { key in
                _ = store.set(key.bindMemory(to: UInt8.self).span, value: value.span.extracting(first: size), expiresAt: nil, now: now)
            }
            written += size
            number += 1
            if number % 10_000 == 0 { peak = max(peak, ResidentMemory.bytes) }
        }
        return peak
    }
}
