import MemoryStore

/// Keys that memory has changed for this process alone while Redis was away: leases, and versions of tags that were made up.
///
/// Redis never hears of them, so they are not in the journal. But memory must have lost them before Redis is asked again: they know nothing of what it is
/// told from then on, and a later outage would find a lease there that a deletion has ended.
///
/// Idea: two sets that take turns, so that a key is remembered for as long as what memory has of it lives, however long the outage. Bounded as the journal
/// is, by itself.
struct LocalKeys {
    /// What is changed so lives this long at most, in milliseconds.
    static let maximumLife: Int64 = 60_000
    /// What a key takes beside its bytes, roughly.
    private static let overheadBytes = 64

    private let maximumKeys: Int
    private let maximumBytes: Int
    private var current = Generation()
    private var previous = Generation()

    private struct Generation {
        var keys: Set<[UInt8]> = []
        var bytes = 0
        var begin: MonotonicTime?
    }

    init(_ settings: OutageSettings) {
        self.maximumKeys = settings.journalKeys
        self.maximumBytes = settings.journalBytes
    }

    /// O(key length).
    /// - Returns: false if there are as many as may be: then the key must not be changed.
    mutating func insert(_ key: [UInt8], now: MonotonicTime) -> Bool {
        self.turn(now)
        guard !self.current.keys.contains(key) else { return true }
        let bytes = key.count + Self.overheadBytes
        guard self.current.keys.count + self.previous.keys.count < self.maximumKeys,
            self.current.bytes + self.previous.bytes + bytes <= self.maximumBytes
        else { return false }
        self.current.keys.insert(key)
        self.current.bytes += bytes
        return true
    }

    private mutating func turn(_ now: MonotonicTime) {
        guard let begin = self.current.begin else { return self.current.begin = now }
        let age = now.milliseconds - begin.milliseconds
        guard age >= Self.maximumLife else { return }
        self.previous = age < 2 * Self.maximumLife ? self.current : Generation()
        self.current = Generation(begin: now)
    }

    /// All of them, some twice; none is remembered afterwards. O(1).
    mutating func takeAll() -> [Set<[UInt8]>] {
        guard !self.current.keys.isEmpty || !self.previous.keys.isEmpty else { return [] }
        defer { (self.current, self.previous) = (Generation(), Generation()) }
        return [self.previous.keys, self.current.keys]
    }
}
