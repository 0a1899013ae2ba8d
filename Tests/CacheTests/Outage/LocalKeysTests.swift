import MemoryStore
import Testing

@testable import Cache

/// What memory has changed alone is remembered for as long as it lives, within bounds.
@Suite struct LocalKeysTests {
    private func keys(_ change: (inout OutageSettings) -> Void = { _ in }) -> LocalKeys {
        var settings = OutageSettings()
        change(&settings)
        return LocalKeys(settings)
    }

    /// - Parameter keys: each with when it is changed, in seconds.
    private func insert(_ keys: KeyValuePairs<String, Int64>, _ local: inout LocalKeys) -> [Bool] {
        keys.map { key, seconds in local.insert(Array(key.utf8), now: MonotonicTime(milliseconds: seconds * 1000)) }
    }

    private func takeAll(_ local: inout LocalKeys) -> [String] {
        local.takeAll().flatMap { $0.map { String(decoding: $0, as: UTF8.self) } }.sorted()
    }

    @Test func aKeyIsRememberedForItsLife() {
        var local = self.keys()
        let inserted = self.insert(["a": 0, "b": 59, "c": 60, "d": 119], &local)
        #expect(inserted == [true, true, true, true])
        let taken = [self.takeAll(&local), self.takeAll(&local)]
        #expect(taken == [["a", "b", "c", "d"], []])
    }

    @Test func whatHasEndedIsForgotten() {
        var local = self.keys()
        _ = self.insert(["a": 0, "b": 60, "c": 120], &local)
        let taken = self.takeAll(&local)
        #expect(taken == ["b", "c"])
        _ = self.insert(["d": 130, "e": 250], &local)
        let rest = self.takeAll(&local)
        #expect(rest == ["e"], "nothing was changed for longer than anything lives")
    }

    @Test func theBoundsAreThoseOfTheJournal() {
        var few = self.keys { $0.journalKeys = 2 }
        let inserted = self.insert(["a": 0, "b": 0, "c": 0, "a": 0, "d": 200], &few)
        #expect(inserted == [true, true, false, true, true], "one is there already, and at last the others have ended")
        var small = self.keys { $0.journalBytes = 100 }
        let fitted = self.insert([String(repeating: "a", count: 30): 0, "b": 0], &small)
        #expect(fitted == [true, false])
    }
}
