@testable import MemoryStore

/// Shorthand of the tests: keys and values as strings or byte arrays, times as milliseconds.
extension MemoryStore {
    func get(_ key: String, at now: Int64) -> String? {
        get(Array(key.utf8).span, now: MonotonicTime(milliseconds: now)).map { hit in
            hit.withValueBytes { String(decoding: $0, as: UTF8.self) }
        }
    }

    @discardableResult
    func set(_ key: String, _ value: String, expiresAt: Int64? = nil, at now: Int64 = 0) -> StoreOutcome {
        set(
            Array(key.utf8).span, value: Array(value.utf8).span, expiresAt: expiresAt.map(MonotonicTime.init(milliseconds:)),
            now: MonotonicTime(milliseconds: now))
    }

    @discardableResult
    func set(_ key: String, byteCount: Int, at now: Int64 = 0) -> StoreOutcome {
        set(
            Array(key.utf8).span, value: [UInt8](repeating: 7, count: byteCount).span, expiresAt: nil,
            now: MonotonicTime(milliseconds: now))
    }

    func remove(_ key: String, at now: Int64) -> Bool {
        remove(Array(key.utf8).span, now: MonotonicTime(milliseconds: now))
    }

    func expire(_ key: String, at expiresAt: Int64?, now: Int64) -> Bool {
        let time = MonotonicTime(milliseconds: now)
        guard let seen = peek(Array(key.utf8).span, now: time) else { return false }
        return expire(Array(key.utf8).span, at: expiresAt.map(MonotonicTime.init(milliseconds:)), ifStill: seen, now: time)
    }

    func statistics(at now: Int64 = 0) -> MemoryStatistics {
        statistics(now: MonotonicTime(milliseconds: now))
    }
}

extension Span<UInt8> {
    var string: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}

extension MemoryStore {
    /// Removes the entries whose key matches, in one walk.
    func removeAll(now: MonotonicTime, where isMatch: (Span<UInt8>) -> Bool) -> Int {
        self.walk(.remove, now: now, where: isMatch)
    }

    /// Counts the entries whose key matches, in one walk.
    func count(now: MonotonicTime, where isMatch: (Span<UInt8>) -> Bool) -> Int {
        self.walk(.count, now: now, where: isMatch)
    }

    private func walk(_ mode: MemoryCursor.Mode, now: MonotonicTime, where isMatch: (Span<UInt8>) -> Bool) -> Int {
        var cursor = MemoryCursor(mode)
        var matches = 0
        while !cursor.isFinished {
            matches += self.step(&cursor, now: now, where: isMatch)
        }
        return matches
    }
}
