import TestSupport
import Testing

@testable import MemoryStore

struct MemoryStoreConcurrencyTests {
    /// Every value is its key, repeated: a torn or misplaced value would show.
    @Test(arguments: [200_000, 64 << 20])
    func `four threads hammer the same keys and never see a wrong value`(maximumBytes: Int) async {
        let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: maximumBytes, shardCount: 8))
        let failures = await withTaskGroup(of: Int.self) { group in
            for worker in 0..<4 as Range<UInt64> {
                group.addTask { @concurrent in hammer(store, seed: worker) }
            }
            return await group.reduce(0, +)
        }
        #expect(failures == 0)
        let statistics = store.statistics()
        #expect(statistics.bytes <= statistics.maximumBytes)
        #expect(statistics.hits > 0)
        #expect((statistics.evictions > 0) == (maximumBytes == 200_000))
        #expect(statistics.entries == store.count(now: MonotonicTime(milliseconds: 0)) { _ in true })
    }
}

private func hammer(_ store: MemoryStore, seed: UInt64) -> Int {
    var random = SplitMix64(seed: seed)
    var failures = 0
    for step in 0..<20_000 as Range<Int64> {
        let number = Int.random(in: 0..<2_000, using: &random)
        let key = Array("key \(number)".utf8)
        let now = MonotonicTime(milliseconds: step + Int64.random(in: -2...2, using: &random))
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<10:
            let hit = store.get(key.span, now: now)
            failures += hit.map { $0.withValueBytes { isRepetition($0, of: key) ? 0 : 1 } } ?? 0
        case 10..<17:
            let value = Array(repeating: key, count: number % 20 * 5).flatMap { $0 }
            let expiresAt = Bool.random(using: &random) ? now.advanced(byMilliseconds: Int64.random(in: 1...500, using: &random)) : nil
            _ = store.set(key.span, value: value.span, expiresAt: expiresAt, now: now)
        case 17, 18:
            _ = store.remove(key.span, now: now)
        default:
            if step % 100 == 0 { _ = store.removeAll(now: now) { $0.string.hasSuffix("7") } }
            _ = store.collectExpired(now: now, limit: 10)
        }
    }
    return failures
}

private func isRepetition(_ bytes: UnsafeRawBufferPointer, of key: [UInt8]) -> Bool {
    bytes.count % key.count == 0 && bytes.indices.allSatisfy { bytes[$0] == key[$0 % key.count] }
}
