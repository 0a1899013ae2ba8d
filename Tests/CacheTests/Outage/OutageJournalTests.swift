import MemoryStore
import TestSupport
import Testing

@testable import Cache

@Suite struct OutageJournalTests {
    private static let now = MonotonicTime(milliseconds: 5)

    private func journal(keys: Int = 100, patterns: Int = 10, bytes: Int = 1 << 20) -> OutageJournal {
        var settings = OutageSettings()
        settings.journalKeys = keys
        settings.journalPatterns = patterns
        settings.journalBytes = bytes
        return OutageJournal(settings)
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func text(_ journal: OutageJournal) -> [String] {
        journal.entries(limit: .max).map { String(decoding: $0.key, as: UTF8.self) + ($0.isValue ? "=" : "-") }.sorted()
    }

    @Test func theLastOperationOfAKeyCounts() {
        var journal = self.journal()
        journal.touch(self.bytes("a"), isValue: true, now: Self.now)
        journal.touch(self.bytes("b"), isValue: false, now: Self.now)
        journal.touch(self.bytes("a"), isValue: false, now: Self.now)
        journal.touch(self.bytes("b"), isValue: true, now: Self.now)
        #expect(self.text(journal) == ["a-", "b="])
        #expect(journal.bytes == 2 * (1 + OutageJournal.overheadBytes))
        #expect(journal.entries(limit: 1).count == 1)
    }

    @Test func aRecordLeavesOnlyAsItWas() throws {
        var journal = self.journal()
        journal.touch(self.bytes("a"), isValue: true, now: Self.now)
        let old = try #require(journal.entries(limit: 1).first)
        journal.touch(self.bytes("a"), isValue: true, now: Self.now)
        let outcome1 = journal.settle(old)
        #expect(!outcome1)
        #expect(journal.contains(self.bytes("a")))
        let new = try #require(journal.entries(limit: 1).first)
        let outcome2 = journal.settle(new)
        #expect(outcome2)
        let outcome3 = journal.settle(new)
        #expect(!outcome3)
        #expect(journal.isEmpty && journal.bytes == 0)
    }

    @Test func aLateCommandHoldsItsRecord() throws {
        var journal = self.journal()
        journal.touch(self.bytes("a"), isValue: true, isLate: true, now: Self.now)
        journal.touch(self.bytes("a"), isValue: true, isLate: true, now: Self.now)
        #expect(journal.entries(limit: 9).isEmpty)
        let outcome4 = journal.repliedLate(self.bytes("a"))
        #expect(!outcome4)
        #expect(journal.entries(limit: 9).isEmpty)
        let outcome5 = journal.repliedLate(self.bytes("a"))
        #expect(outcome5)
        let entry = try #require(journal.entries(limit: 9).first)
        // Another command is under way again: what was sent to Redis may be overtaken by it.
        journal.touch(self.bytes("a"), isValue: false, isLate: true, now: Self.now)
        let outcome6 = journal.settle(entry)
        #expect(!outcome6)
        journal.forgetLateCommands()
        #expect(self.text(journal) == ["a-"])
        let outcome7 = journal.repliedLate(self.bytes("other"))
        #expect(!outcome7)
    }

    @Test func invalidationTakesTheValuesOfRecords() throws {
        var journal = self.journal()
        for key in ["a1", "a2", "b1"] { journal.touch(self.bytes(key), isValue: true, now: Self.now) }
        let before = try #require(journal.entries(limit: 9).first { $0.key == self.bytes("a1") })
        journal.forgetValues(of: [self.bytes("a1"), self.bytes("a2"), self.bytes("a3")])
        #expect(self.text(journal) == ["a1-", "a2-", "b1="])
        // Its value may be on its way to Redis: the record stays until the deletion has followed.
        let outcome8 = journal.settle(before)
        #expect(!outcome8)
    }

    @Test func aPatternIsOneWalkAfterItsLastTime() {
        var journal = self.journal()
        journal.append(pattern: self.bytes("a*"), now: Self.now)
        journal.append(pattern: self.bytes("b*"), now: Self.now)
        let walked = journal.patterns[0].version
        journal.append(pattern: self.bytes("a*"), now: Self.now)
        #expect(journal.patterns.count == 2)
        journal.settle(patternVersion: walked)
        #expect(journal.patterns.count == 2)
        for pattern in journal.patterns { journal.settle(patternVersion: pattern.version) }
        #expect(journal.isEmpty && journal.bytes == 0)
    }

    @Test func ageIsThatOfTheOldestDuty() throws {
        var journal = self.journal()
        #expect(journal.oldest == nil)
        journal.touch(self.bytes("a"), isValue: true, now: MonotonicTime(milliseconds: 10))
        journal.append(pattern: self.bytes("p"), now: MonotonicTime(milliseconds: 20))
        #expect(journal.oldest == MonotonicTime(milliseconds: 10))
        let entry = try #require(journal.entries(limit: 1).first)
        _ = journal.settle(entry)
        #expect(journal.oldest != nil)
        journal.settle(patternVersion: journal.patterns[0].version)
        #expect(journal.oldest == nil)
    }

    @Test(arguments: ["keys", "patterns", "bytes"]) func atTheBoundEverythingIsToBeDeleted(_ bound: String) {
        var journal = self.journal(
            keys: bound == "keys" ? 3 : 100, patterns: bound == "patterns" ? 3 : 100, bytes: bound == "bytes" ? 4 * 98 : 1 << 20)
        for number in 0..<4 {
            #expect(!journal.mustPurge)
            if bound == "patterns" {
                journal.append(pattern: self.bytes("p\(number)"), now: Self.now)
            } else {
                journal.touch(self.bytes("k\(number)"), isValue: false, now: Self.now)
            }
        }
        if bound == "bytes" { journal.touch(self.bytes("one more"), isValue: false, now: Self.now) }
        #expect(journal.mustPurge)
        #expect(!journal.isEmpty && !journal.hasNothingShared)
        #expect(journal.keyCount == 0 && journal.patterns.isEmpty && journal.bytes == 0)
        #expect(journal.overflows == 1)
        journal.touch(self.bytes("later"), isValue: false, now: Self.now)
        #expect(journal.keyCount == 0)
    }

    /// From the moment at which everything begins to be deleted, operations are remembered again: a key may have been passed by already.
    @Test func operationsDuringThePurge() {
        var journal = self.journal(keys: 1)
        for key in ["a", "b"] { journal.touch(self.bytes(key), isValue: false, now: Self.now) }
        journal.beginPurge()
        #expect(journal.mustPurge)
        journal.touch(self.bytes("c"), isValue: true, now: Self.now)
        #expect(self.text(journal) == ["c="])
        journal.endPurge()
        #expect(!journal.mustPurge)
        #expect(self.text(journal) == ["c="])
    }

    @Test func aPurgeThatFailsIsDueAgain() {
        var journal = self.journal(keys: 1)
        for key in ["a", "b"] { journal.touch(self.bytes(key), isValue: false, now: Self.now) }
        journal.beginPurge()
        journal.touch(self.bytes("c"), isValue: true, now: Self.now)
        journal.abandonPurge()
        #expect(journal.mustPurge && journal.keyCount == 0)
        // So is one during which the bound was reached again.
        journal.beginPurge()
        for key in ["d", "e"] { journal.touch(self.bytes(key), isValue: false, now: Self.now) }
        journal.endPurge()
        #expect(journal.mustPurge)
        journal.beginPurge()
        journal.endPurge()
        #expect(journal.isEmpty)
        // Nothing to abandon.
        journal.abandonPurge()
        #expect(journal.isEmpty)
    }

    /// Against a model: whatever is written while a replay goes on, in the end Redis has received the last operation on every key, after it happened.
    @Test(arguments: 0..<40 as Range<UInt64>) func nothingIsLost(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var journal = self.journal(keys: 6, patterns: 3)
        var clock = 0
        var lastChange: [String: Int] = [:]
        var replayed: [String: Int] = [:]
        var replayedAll = 0
        var pending: [(entry: OutageJournal.Entry, sent: Int)] = []
        var purgeBegun: Int?
        for _ in 0..<300 {
            clock += 1
            let key = "k\(Int.random(in: 0..<8, using: &random))"
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                journal.touch(self.bytes(key), isValue: Bool.random(using: &random), now: Self.now)
                lastChange[key] = clock
            case 5:
                pending = journal.entries(limit: 3).map { ($0, clock) }
            case 6:
                for (entry, sent) in pending {
                    if journal.settle(entry) { replayed[String(decoding: entry.key, as: UTF8.self)] = sent }
                }
                pending = []
            case 7 where journal.mustPurge && purgeBegun == nil:
                journal.beginPurge()
                purgeBegun = clock
            case 8:
                guard let begun = purgeBegun else { break }
                if Bool.random(using: &random) {
                    journal.endPurge()
                    replayedAll = begun
                } else {
                    journal.abandonPurge()
                }
                purgeBegun = nil
            default:
                journal.forgetValues(of: journal.entries(limit: .max).map(\.key).filter { $0.last == UInt8(ascii: "3") })
            }
            for (key, changed) in lastChange where !journal.contains(self.bytes(key)) && !journal.mustPurge {
                #expect(max(replayed[key] ?? 0, replayedAll) >= changed, "seed \(seed), key \(key) at \(clock)")
            }
        }
    }

    /// The record stays until the deletion has followed; a new value is a new chance.
    @Test func aValueThatRedisRefusesBecomesADeletion() throws {
        var journal = self.journal()
        journal.touch(self.bytes("a"), isValue: true, now: Self.now)
        let entry = try #require(journal.entries(limit: 1).first)
        journal.refuseValue(entry, .valueTooLarge)
        #expect(journal.entries(limit: 9) == [.init(key: entry.key, version: entry.version, isValue: false, refusal: .valueTooLarge)])
        journal.touch(self.bytes("a"), isValue: true, now: Self.now)
        journal.refuseValue(entry, .valueTooLarge)
        #expect(journal.entries(limit: 9).map(\.refusal) == [nil], "what was refused is not what is there now")
        #expect(journal.entries(limit: 9).map(\.isValue) == [true])
    }

    /// One connection may end over any value; three over the same one are no accident.
    @Test func aValueThatEndsConnectionsBecomesADeletion() throws {
        var journal = self.journal()
        journal.touch(self.bytes("a"), isValue: true, now: Self.now)
        let entry = try #require(journal.entries(limit: 1).first)
        for _ in 0..<2 { journal.connectionEnded(over: entry) }
        #expect(journal.entries(limit: 9) == [entry])
        journal.connectionEnded(over: entry)
        #expect(journal.entries(limit: 9).map(\.refusal) == [.connectionLost])
        journal.touch(self.bytes("a"), isValue: true, now: Self.now)
        journal.connectionEnded(over: entry)
        #expect(journal.entries(limit: 9).map(\.isValue) == [true])
    }

    @Test func whatIsGivenUpAtTheBoundIsHandedOver() {
        var journal = self.journal(keys: 2)
        for key in ["a", "b", "c"] { journal.touch(self.bytes(key), isValue: true, now: Self.now) }
        #expect(journal.takeDropped().count == 3)
        #expect(journal.takeDropped().isEmpty)
    }
}
