import MemoryStore

/// What must be done to Redis before its answers count again: the keys written or deleted without it, and the patterns invalidated without it.
///
/// Idea. For a key, the last operation is all that matters, so there is one record per key and its order among other keys is of no interest; the
/// value itself lies in the embedded store, bounded and evicted there: a record whose value is gone is a deletion. Patterns come first in a replay,
/// then the keys: a key written after a pattern has a record of its own, and a key written before it has lost its value to the pattern.
///
/// A record leaves only when Redis has replied to it and nothing was written to the key since (`version`), so that a replay may fail anywhere.
///
/// While Redis is there, a key also comes in when a write of it was not answered in time: Redis may still carry that out, later than anything sent
/// now on another connection. Such a record rests while commands are `landing`, and is settled after them.
///
/// At its bound the journal collapses to one duty: delete everything. Values are given up, a deletion never is.
///
/// All operations are O(1) expected, but for `invalidate`, which is linear in the records.
struct OutageJournal {
    /// A key to be settled, as it was when asked for.
    struct Entry: Hashable {
        let key: [UInt8]
        let version: UInt64
        /// False for a deletion.
        let isValue: Bool
    }

    private struct Record {
        var version: UInt64
        var isValue: Bool
        /// Commands for this key that Redis may still carry out.
        var landing: Int
    }

    /// The duty to delete everything.
    private enum Purge {
        case none
        /// Nothing else needs to be remembered.
        case due
        /// What comes in now may have been passed by already.
        case running
    }

    /// What a record takes beside the key, roughly: entry of the table, header of the bytes.
    static let overheadBytes = 96

    private let maximumKeys: Int
    private let maximumPatterns: Int
    private let maximumBytes: Int
    private var records: [[UInt8]: Record] = [:]
    private(set) var patterns: [(version: UInt64, bytes: [UInt8])] = []
    private var purge = Purge.none
    private var lastVersion: UInt64 = 0
    private(set) var bytes = 0
    /// Since when there was something to do.
    private(set) var oldest: MonotonicTime?
    /// How often the bound was reached.
    private(set) var overflows = 0

    init(_ settings: OutageSettings) {
        self.maximumKeys = settings.journalKeys
        self.maximumPatterns = settings.journalPatterns
        self.maximumBytes = settings.journalBytes
    }

    var keyCount: Int { self.records.count }
    var isEmpty: Bool { self.records.isEmpty && self.hasNothingShared }
    /// Neither a pattern nor everything is to be deleted: every key without a record can be asked of Redis.
    var hasNothingShared: Bool { self.patterns.isEmpty && self.purge == .none }
    var mustPurge: Bool { self.purge != .none }

    func contains(_ key: [UInt8]) -> Bool { self.records[key] != nil }

    // MARK: What happens without Redis

    /// A key was written or deleted.
    /// - Parameter isLanding: Redis may still carry out a command for it.
    mutating func touch(_ key: [UInt8], isValue: Bool, isLanding: Bool = false, now: MonotonicTime) {
        guard self.purge != .due else { return }
        let version = self.nextVersion(now)
        let landing = isLanding ? 1 : 0
        if let index = self.records.index(forKey: key) {
            self.records.values[index].version = version
            self.records.values[index].isValue = isValue
            self.records.values[index].landing += landing
            return
        }
        self.bytes += key.count + Self.overheadBytes
        self.records[key] = Record(version: version, isValue: isValue, landing: landing)
        self.collapseAtBound()
    }

    /// A pattern was invalidated, and Redis has not been told: it is remembered.
    mutating func append(pattern: [UInt8], now: MonotonicTime) {
        guard self.purge != .due else { return }
        let version = self.nextVersion(now)
        // The same pattern again is one walk; it must be walked after the last time that it was asked for.
        if let index = self.patterns.firstIndex(where: { $0.bytes == pattern }) {
            self.patterns[index].version = version
            return
        }
        self.patterns.append((version, pattern))
        self.bytes += pattern.count + Self.overheadBytes
        self.collapseAtBound()
    }

    /// Keys are being invalidated: what they held must not be written to Redis any more.
    mutating func invalidate(where isMatch: ([UInt8]) -> Bool) {
        for index in self.records.indices where isMatch(self.records.keys[index]) {
            self.lastVersion += 1
            self.records.values[index].version = self.lastVersion
            self.records.values[index].isValue = false
        }
    }

    private mutating func nextVersion(_ now: MonotonicTime) -> UInt64 {
        if self.isEmpty { self.oldest = now }
        self.lastVersion += 1
        return self.lastVersion
    }

    private mutating func collapseAtBound() {
        guard self.records.count > self.maximumKeys || self.patterns.count > self.maximumPatterns || self.bytes > self.maximumBytes else { return }
        self.overflows += 1
        self.purge = .due
        self.dropRecords()
    }

    private mutating func dropRecords() {
        self.records = [:]
        self.patterns = []
        self.bytes = 0
    }

    /// More has happened than can be told: everything is to be deleted.
    mutating func collapse(now: MonotonicTime) {
        guard self.purge != .due else { return }
        _ = self.nextVersion(now)
        self.purge = .due
        self.dropRecords()
    }

    // MARK: What Redis has carried out

    /// A command that was given up has been carried out or refused after all.
    /// - Returns: whether the key can be settled now.
    mutating func landed(_ key: [UInt8]) -> Bool {
        guard let index = self.records.index(forKey: key) else { return false }
        self.records.values[index].landing = max(0, self.records.values[index].landing - 1)
        return self.records.values[index].landing == 0
    }

    /// Every connection has ended: nothing lands any more.
    mutating func forgetLandings() {
        for index in self.records.indices { self.records.values[index].landing = 0 }
    }

    /// Some keys that can be settled now.
    func entries(limit: Int) -> [Entry] {
        var entries: [Entry] = []
        for (key, record) in self.records where record.landing == 0 {
            entries.append(Entry(key: key, version: record.version, isValue: record.isValue))
            if entries.count == limit { break }
        }
        return entries
    }

    /// Redis has done what `entry` says.
    /// - Returns: whether the key leaves; if not, it was written again in the meantime.
    mutating func settle(_ entry: Entry) -> Bool {
        guard let record = self.records[entry.key], record.version == entry.version, record.landing == 0 else { return false }
        self.records[entry.key] = nil
        self.bytes -= entry.key.count + Self.overheadBytes
        self.noteEmptiness()
        return true
    }

    /// Redis has deleted what matches a pattern.
    mutating func settle(patternVersion version: UInt64) {
        guard let index = self.patterns.firstIndex(where: { $0.version == version }) else { return }
        self.bytes -= self.patterns[index].bytes.count + Self.overheadBytes
        self.patterns.remove(at: index)
        self.noteEmptiness()
    }

    /// Everything begins to be deleted: from now on operations are remembered again.
    mutating func beginPurge() {
        self.purge = .running
    }

    /// Everything was deleted.
    mutating func endPurge() {
        guard self.purge == .running else { return }
        self.purge = .none
        self.noteEmptiness()
    }

    /// The deletion of everything did not come to its end.
    mutating func abandonPurge() {
        guard self.purge == .running else { return }
        self.purge = .due
        self.dropRecords()
    }

    private mutating func noteEmptiness() {
        if self.isEmpty { self.oldest = nil }
    }
}
