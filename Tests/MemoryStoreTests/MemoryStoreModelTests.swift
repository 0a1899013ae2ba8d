import TestSupport
import Testing

@testable import MemoryStore

/// The store against a plain dictionary, operation by operation, with a bound so large that nothing is evicted.
struct MemoryStoreModelTests {
    private struct Model {
        var values: [String: (value: String, expiresAt: Int64?)] = [:]

        mutating func get(_ key: String, at now: Int64) -> String? {
            guard let entry = values[key] else { return nil }
            guard now < entry.expiresAt ?? .max else {
                values[key] = nil
                return nil
            }
            return entry.value
        }

        mutating func removeAll(at now: Int64, where isMatch: (String) -> Bool) -> Int {
            let matching = values.filter { now < $0.value.expiresAt ?? .max && isMatch($0.key) }
            for key in matching.keys { values[key] = nil }
            return matching.count
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `random operations give the same results`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 32 << 20, shardCount: 4), seed: HashSeed(low: seed, high: 1))
        var model = Model()
        var now: Int64 = 0
        for step in 0..<20_000 {
            now += Int64.random(in: 0...3, using: &random)
            let key = "key \(Int.random(in: 0..<400, using: &random))"
            let context: Comment = "seed \(seed), step \(step), time \(now), \(key)"
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<45:
                #expect(store.get(key, at: now) == model.get(key, at: now), context)
            case 45..<85:
                let value = String(repeating: "v", count: Int.random(in: 0...300, using: &random)) + "\(step)"
                let expiresAt = Bool.random(using: &random) ? now + Int64.random(in: -1...5_000, using: &random) : nil
                #expect(store.set(key, value, expiresAt: expiresAt, at: now) == .stored, context)
                model.values[key] = (value, expiresAt)
            case 85..<88:
                let expiresAt = Bool.random(using: &random) ? now + Int64.random(in: -1...5_000, using: &random) : nil
                let existed = model.get(key, at: now) != nil
                if existed { model.values[key]?.expiresAt = expiresAt }
                #expect(store.expire(key, at: expiresAt, now: now) == existed, context)
            case 88..<92:
                // As seen, or as some other key was seen.
                let time = MonotonicTime(milliseconds: now)
                let other = "key \(Int.random(in: 0..<400, using: &random))"
                let seen = store.peek(Array((Bool.random(using: &random) ? key : other).utf8).span, now: time)
                let isSame = (seen.map { $0.withValueBytes { String(decoding: $0, as: UTF8.self) } }) == model.get(key, at: now)
                let keptDeadline = model.values[key]?.expiresAt
                let outcome = store.set(
                    Array(key.utf8).span, value: Array("\(step)".utf8).span, deadline: .kept, now: time, replacing: seen)
                #expect(outcome == (isSame ? .stored : .changed), context)
                if isSame { model.values[key] = ("\(step)", keptDeadline) }
            case 92..<97:
                let existed = model.get(key, at: now) != nil
                model.values[key] = nil
                #expect(store.remove(key, at: now) == existed, context)
            case 97:
                _ = store.collectExpired(now: MonotonicTime(milliseconds: now), limit: 20)
            default:
                let digit = String(Int.random(in: 0..<10, using: &random))
                let time = MonotonicTime(milliseconds: now)
                let counted = store.count(now: time) { $0.string.hasSuffix(digit) }
                let removed = store.removeAll(now: time) { $0.string.hasSuffix(digit) }
                #expect(removed == model.removeAll(at: now) { $0.hasSuffix(digit) }, context)
                #expect(counted == removed, context)
            }
        }
        _ = store.collectExpired(now: MonotonicTime(milliseconds: now), limit: .max)
        #expect(store.statistics().entries == model.removeAll(at: now) { _ in true }, "seed \(seed)")
        #expect(store.statistics().evictions == 0)
    }
}
