import HashTreeCollections
import MemoryStore
import RedisClient

/// What must be done to Redis before its answers count again: the keys written or deleted without it, and the patterns invalidated without it.
///
/// Idea. For a key, the last operation is all that matters, so there is one record per key and its order among other keys is of no interest; the
/// value itself lies in the embedded store, bounded and evicted there: a record whose value is gone is a deletion. Patterns come first in a replay,
/// then the keys: a key written after a pattern has a record of its own, and a key written before it has lost its value to the pattern.
///
/// A record leaves only when Redis has replied to it and nothing was written to the key since (`version`), so that a replay may fail anywhere.
///
/// While Redis is there, a key also comes in when a write of it was not answered in time: Redis may still carry that out, later than anything sent
/// now on another connection. Such a record rests until Redis has replied to those late commands, and is settled after them.
///
/// At its bound the journal collapses to one duty: delete everything. Values are given up, a deletion never is.
///
/// The records are a persistent tree: a copy of it is O(1), so that a pattern is compared with every key outside of the lock that event loops take
/// (`OutageGate.invalidate`), and a table that grows is never moved as a whole. All operations are O(1) expected, but for `entries`, which passes
/// over records with late commands.
struct OutageJournal {
    /// A key to be settled, as it was when asked for.
    struct Entry: Hashable {
        let key: [UInt8]
        let version: UInt64
        /// False for a deletion.
        var isValue: Bool
        /// Why Redis has refused it.
        var refusal: ReplayRefusal?
    }

    struct Record: Sendable {
        fileprivate var version: UInt64
        /// Of the key; 0 without a cluster.
        fileprivate var slot: UInt16
        fileprivate(set) var isValue: Bool
        /// Why Redis has refused the value that this deletion was.
        fileprivate var refusal: ReplayRefusal?
        /// Connections that ended over the value alone.
        fileprivate var endedConnections: UInt8 = 0
        /// Commands for this key that Redis may still carry out, if `lateEpoch` is the journal's.
        fileprivate var lateCommands: Int32
        fileprivate var lateEpoch: UInt32

        fileprivate func lateCommands(_ epoch: UInt32) -> Int32 { self.lateEpoch == epoch ? self.lateCommands : 0 }
    }

    typealias Records = TreeDictionary<[UInt8], Record>

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

    /// Connections that may end over one value before it is given up.
    private static let maximumEndedConnections = 3

    private let maximumKeys: Int
    private let maximumPatterns: Int
    private let maximumBytes: Int
    private(set) var records = Records()
    /// Records that were given up at the bound: to be freed without the lock.
    private var dropped = Records()
    /// Counts the ends of all connections: a command sent over an earlier one is late no more.
    private var lateEpoch: UInt32 = 0
    private(set) var patterns: [(version: UInt64, bytes: [UInt8])] = []
    private var purge = Purge.none
    private var lastVersion: UInt64 = 0
    private(set) var bytes = 0
    /// What the journals of other shards hold: the bounds are of all together.
    private var keysElsewhere = 0
    private var bytesElsewhere = 0
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

    /// What the journals of other shards hold.
    mutating func share(keysElsewhere: Int, bytesElsewhere: Int) {
        self.keysElsewhere = keysElsewhere
        self.bytesElsewhere = bytesElsewhere
    }

    /// A key was written or deleted.
    /// - Parameters:
    ///   - slot: of the key; 0 without a cluster.
    ///   - isLate: Redis may still carry out a command for it.
    mutating func touch(_ key: [UInt8], slot: UInt16 = 0, isValue: Bool, isLate: Bool = false, now: MonotonicTime) {
        guard self.purge != .due else { return }
        let version = self.nextVersion(now)
        let epoch = self.lateEpoch
        let isNew = self.records.updateValue(forKey: key) { record in
            let late = record.map { $0.lateCommands(epoch) } ?? 0
            defer { record = Record(version: version, slot: slot, isValue: isValue, lateCommands: late + (isLate ? 1 : 0), lateEpoch: epoch) }
            return record == nil
        }
        guard isNew else { return }
        self.bytes += key.count + Self.overheadBytes
        self.collapseAtBound()
    }

    /// A pattern was invalidated, and Redis does not know: it is remembered.
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
    mutating func forgetValues(of keys: some Sequence<[UInt8]>) {
        for key in keys {
            self.lastVersion += 1
            let version = self.lastVersion
            self.records.updateValue(forKey: key) { record in
                record?.version = version
                record?.isValue = false
            }
        }
    }

    private mutating func nextVersion(_ now: MonotonicTime) -> UInt64 {
        if self.isEmpty { self.oldest = now }
        self.lastVersion += 1
        return self.lastVersion
    }

    private mutating func collapseAtBound() {
        guard
            self.records.count + self.keysElsewhere > self.maximumKeys || self.patterns.count > self.maximumPatterns
                || self.bytes + self.bytesElsewhere > self.maximumBytes
        else { return }
        self.overflows += 1
        self.purge = .due
        self.dropRecords()
    }

    private mutating func dropRecords() {
        self.dropped = self.records
        self.records = Records()
        self.patterns = []
        self.bytes = 0
    }

    /// What was given up at the bound; freeing so many records takes longer than a lock may be held.
    mutating func takeDropped() -> Records {
        defer { self.dropped = Records() }
        return self.dropped
    }

    /// More has happened than can be remembered: everything is to be deleted.
    mutating func collapse(now: MonotonicTime) {
        guard self.purge != .due else { return }
        _ = self.nextVersion(now)
        self.purge = .due
        self.dropRecords()
    }

    // MARK: Slots that move to another shard

    /// Gives up the records of these slots, for the journal of the shard that has them now. O(records).
    mutating func remove(slots: Set<UInt16>) -> [(key: [UInt8], isValue: Bool)] {
        guard !self.records.isEmpty else { return [] }
        var moved: [(key: [UInt8], isValue: Bool)] = []
        var kept = Records()
        for (key, record) in self.records {
            if slots.contains(record.slot) {
                moved.append((key, record.isValue))
                self.bytes -= key.count + Self.overheadBytes
            } else {
                kept[key] = record
            }
        }
        guard !moved.isEmpty else { return [] }
        self.records = kept
        self.noteEmptiness()
        return moved
    }

    /// Keys have slots from now on. O(records).
    mutating func assignSlots(_ slot: ([UInt8]) -> UInt16) {
        for key in Array(self.records.keys) { self.records.updateValue(forKey: key) { $0?.slot = slot(key) } }
    }

    /// The shard has no slots any more: what is left to be done to it does not matter.
    mutating func removeAll() {
        self.dropRecords()
        self.purge = .none
        self.noteEmptiness()
    }

    // MARK: What Redis has carried out

    /// A command that was given up has been carried out or refused after all.
    /// - Returns: whether the key can be settled now.
    mutating func repliedLate(_ key: [UInt8]) -> Bool {
        let epoch = self.lateEpoch
        return self.records.updateValue(forKey: key) { record in
            guard let late = record?.lateCommands(epoch) else { return false }
            record?.lateCommands = max(0, late - 1)
            return late <= 1
        }
    }

    /// Every connection has ended: nothing lands any more. O(1).
    mutating func forgetLateCommands() {
        self.lateEpoch &+= 1
    }

    /// Some keys that can be settled now.
    func entries(limit: Int) -> [Entry] {
        var entries: [Entry] = []
        for (key, record) in self.records where record.lateCommands(self.lateEpoch) == 0 {
            entries.append(Entry(key: key, version: record.version, isValue: record.isValue, refusal: record.refusal))
            if entries.count == limit { break }
        }
        return entries
    }

    /// Redis refuses the value of `entry` for good: what it has under the key is older and has to go all the same.
    mutating func refuseValue(_ entry: Entry, _ refusal: ReplayRefusal) {
        self.records.updateValue(forKey: entry.key) { record in
            guard record?.version == entry.version else { return }
            record?.isValue = false
            record?.refusal = refusal
        }
    }

    /// A connection ended while nothing but the value of `entry` was under way over it. Once is an accident; a value that it happens to again and
    /// again would keep every other key from Redis.
    mutating func connectionEnded(over entry: Entry) {
        self.records.updateValue(forKey: entry.key) { record in
            guard record?.version == entry.version, let ended = record?.endedConnections else { return }
            record?.endedConnections = ended + 1
            guard ended + 1 >= Self.maximumEndedConnections else { return }
            record?.isValue = false
            record?.refusal = .connectionLost
        }
    }

    /// Redis has done what `entry` says.
    /// - Returns: whether the key leaves; if not, it was written again in the meantime.
    mutating func settle(_ entry: Entry) -> Bool {
        guard let record = self.records[entry.key], record.version == entry.version, record.lateCommands(self.lateEpoch) == 0 else { return false }
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

/// Why Redis refuses for good what a record of the journal says. To say it again would not help, and would keep every other key from Redis, so the
/// record is given up and Redis answers for its key again, as it does while it is connected.
///
/// Only what Redis says of one key or one value belongs here. A command that the user may not run is a fault of the configuration, and a server that
/// is read-only, loads, persists badly (`MISCONF`) or lacks replicas (`NOREPLICAS`) may take the same command later: all these are an outage.
package enum ReplayRefusal: String, Sendable, CaseIterable {
    /// The user may not touch the key (`NOPERM`).
    case notPermitted = "not_permitted"
    /// There is no room for the value (`OOM`).
    case outOfMemory = "out_of_memory"
    /// The value is larger than Redis takes (`proto-max-bulk-len`).
    case valueTooLarge = "value_too_large"
    /// The connection ended over this value alone, several times.
    case connectionLost = "connection_lost"

    /// Nil for a failure that is none of one key or value.
    init?(_ failure: RedisFailure) {
        if failure.isAboutTheKey {
            self = .notPermitted
        } else if failure.isAboutTheValue {
            self = .valueTooLarge
        } else if failure.serverErrorPrefix == "OOM" {
            self = .outOfMemory
        } else {
            return nil
        }
    }
}
