import Logging
import MemoryStore
import NIOCore
import RedisClient
import Synchronization
import Testing

@testable import Cache

/// Who answers for which key, in every state, and what the embedded store keeps.
@Suite struct OutageGateTests {
    private let store = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))
    private let gate: OutageGate
    private let log = RecordedLog()
    private let key = ByteBuffer(string: "k")
    private let other = ByteBuffer(string: "other")
    private let value = ByteBuffer(string: "v")

    init() {
        var settings = OutageSettings()
        settings.journalKeys = 4
        self.gate = OutageGate(memory: self.store, settings: settings, logger: self.log.logger)
    }

    private func text(_ answer: CacheAnswer?) -> String {
        switch answer {
        case nil: "Redis"
        case .hit(let value, _, _):
            {
                var buffer = ByteBuffer()
                value.withBytes { _ = buffer.writeBytes($0) }
                return "hit \(String(buffer: buffer))"
            }()
        case .miss: "miss"
        case .stored: "stored"
        case .deleted: "deleted"
        case .refused: "refused"
        }
    }

    private func get(_ key: ByteBuffer) -> String { self.text(self.gate.get(key, now: .now)) }
    private func set(_ key: ByteBuffer) -> String { self.text(self.gate.set(key, value: self.value, ttlSeconds: nil, now: .now)) }
    private func delete(_ key: ByteBuffer) -> String { self.text(self.gate.delete(key, now: .now)) }

    private func generation() -> Int { self.gate.protected.withLock { $0.machine.generation } }

    /// As the recovery does it, up to the point from which keys without a record are asked of Redis.
    private func openForKeys() throws {
        #expect(self.gate.reached(generation: self.generation()))
        while true {
            switch self.gate.nextSharedWork(generation: self.generation()) {
            case .none: return
            case .stale: throw CancellationError()
            case .purge: self.gate.purged(isRefused: false, generation: self.generation())
            case .pattern(let version, _): self.gate.settled(patternVersion: version, isRefused: false, generation: self.generation())
            }
        }
    }

    private func settleAll() {
        self.gate.settled(self.gate.entriesToSettle(limit: .max), generation: self.generation())
        self.gate.replayed(generation: self.generation())
    }

    @Test func memoryAnswersDuringAnOutage() throws {
        #expect(!self.gate.isOpen && !self.gate.isRedisAsked)
        #expect(self.get(self.key) == "miss")
        #expect(self.set(self.key) == "stored")
        #expect(self.get(self.key) == "hit v")
        #expect(self.delete(self.key) == "deleted")
        #expect(self.get(self.key) == "miss")
        #expect(self.gate.report.journalKeys == 1)
        #expect(self.gate.report.state == .outage)
    }

    @Test func duringTheReplayOnlyRecordedKeysAreAnsweredFromMemory() throws {
        _ = self.set(self.key)
        #expect(self.gate.reached(generation: 0))
        #expect(self.get(self.other) == "miss", "patterns may be outstanding: memory answers for every key")
        guard case .none = self.gate.nextSharedWork(generation: 0) else {
            Issue.record("there is no pattern")
            return
        }
        #expect(self.gate.report.state == .replay)
        #expect(self.get(self.other) == "Redis")
        #expect(self.set(self.other) == "Redis")
        #expect(self.get(self.key) == "hit v")
        #expect(self.delete(self.key) == "deleted")
        self.settleAll()
        #expect(self.gate.isOpen)
        #expect(self.get(self.key) == "Redis")
        #expect(self.gate.report.state == .connected)
        #expect(self.gate.report.lastReplay?.keys == 1)
    }

    /// A key that leaves the journal leaves the store: a later outage must not find an old value.
    @Test func noValueOutlivesItsOutage() throws {
        _ = self.set(self.key)
        try self.openForKeys()
        self.settleAll()
        self.gate.failed(.deadlines)
        #expect(self.get(self.key) == "miss")
        #expect(self.store.statistics(now: .now).entries == 0)
    }

    @Test func aWriteThatRedisDidNotAnswerIsAnsweredFromMemoryUntilItHasLanded() throws {
        try self.openForKeys()
        self.settleAll()
        #expect(self.text(self.gate.setInstead(self.key, value: self.value, ttlSeconds: nil, isLanding: true)) == "stored")
        #expect(!self.gate.isOpen)
        #expect(self.gate.isRedisAsked)
        #expect(self.get(self.key) == "hit v")
        #expect(self.get(self.other) == "Redis")
        #expect(self.gate.report.state == .connected, "one late command is no outage")
        #expect(self.gate.work == .none)
        self.gate.landed(self.key)
        #expect(self.gate.work == .settle(generation: self.generation()))
        self.settleAll()
        #expect(self.gate.isOpen)
        #expect(self.get(self.key) == "Redis")
    }

    /// When every connection is ended nothing lands any more.
    @Test func anOutageEndsAllLandings() throws {
        try self.openForKeys()
        self.settleAll()
        _ = self.gate.deleteInstead(self.key, isLanding: true)
        self.gate.failed(.deadlines)
        _ = self.gate.deleteInstead(self.other, isLanding: true)
        try self.openForKeys()
        #expect(self.gate.entriesToSettle(limit: 9).count == 2)
    }

    @Test func whatWasSettledForAnEarlierOutageCountsNoMore() throws {
        _ = self.delete(self.key)
        try self.openForKeys()
        let entries = self.gate.entriesToSettle(limit: 9)
        let old = self.generation()
        self.gate.failed(.deadlines)
        self.gate.settled(entries, generation: old)
        #expect(self.gate.report.journalKeys == 1)
        self.gate.attemptFailed(.overloaded, generation: old)
        #expect(self.gate.report.reason == .deadlines)
    }

    private func invalidate(_ pattern: String) async -> Bool {
        let glob = GlobPattern(Array(pattern.utf8))
        return await self.gate.invalidate(Array(pattern.utf8)) { glob.matches($0) }
    }

    @Test func patternsAreRememberedOnlyWithoutRedis() async throws {
        _ = self.set(self.key)
        _ = self.set(self.other)
        #expect(await self.invalidate("k*"))
        #expect(Set(self.gate.entriesToSettle(limit: 9).filter(\.isValue).map(\.key)) == [self.other.bytes])
        #expect(self.gate.report.journalPatterns == 1)
        try self.openForKeys()
        #expect(self.gate.report.journalPatterns == 0)
        #expect(await !self.invalidate("k*"), "Redis is there: the caller tells it")
        self.gate.invalidateInstead(Array("k*".utf8), .failure(.connectionClosed))
        #expect(self.gate.report.state == .outage)
        #expect(self.gate.report.journalPatterns == 1)
    }

    /// Event loops take the gate's lock for every operation, so a pattern is compared with keys outside of it. The lock is not recursive: to ask the gate
    /// while it is held would end the process.
    @Test func keysAreComparedWithAPatternWithoutTheLock() async throws {
        let keys = 1200
        let gate = OutageGate(memory: self.store, settings: OutageSettings(), logger: self.log.logger)
        for number in 0..<keys { _ = gate.set(ByteBuffer(string: "k\(number)"), value: self.value, ttlSeconds: nil, now: .now) }
        var compared = 0
        _ = await gate.invalidate(Array("k*".utf8)) { _ in
            compared += 1
            _ = gate.delete(self.other, now: .now)
            return true
        }
        #expect(compared == keys)
        let entries = gate.entriesToSettle(limit: .max)
        #expect(entries.count == keys + 1)
        #expect(entries.allSatisfy { !$0.isValue })
    }

    /// A replay may have sent a value to Redis before the pattern was, and hear of it after: the key has to be deleted once more.
    @Test func aValueOnItsWayToRedisDoesNotOutliveAPattern() async throws {
        _ = self.set(self.key)
        try self.openForKeys()
        let underWay = self.gate.entriesToSettle(limit: 9)
        #expect(await !self.invalidate("k*"))
        self.gate.settled(underWay, generation: self.generation())
        #expect(self.gate.entriesToSettle(limit: 9).map(\.isValue) == [false])
    }

    /// Whatever is written while keys are compared is as new as the invalidation, and is not lost.
    @Test func whatIsWrittenDuringAnInvalidationIsSettled() async throws {
        _ = self.set(self.key)
        _ = await self.gate.invalidate(Array("*".utf8)) { _ in
            _ = self.gate.set(self.other, value: self.value, ttlSeconds: nil, now: .now)
            return true
        }
        let entries = self.gate.entriesToSettle(limit: 9)
        #expect(Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0.isValue) }) == [self.key.bytes: false, self.other.bytes: true])
    }

    // MARK: What Redis refuses

    /// A key that Redis refuses for good leaves the journal as others do, and is counted and logged once.
    @Test func aRefusalDoesNotKeepTheGateClosed() throws {
        for key in [self.key, self.other] { _ = self.set(key) }
        try self.openForKeys()
        var entries = self.gate.entriesToSettle(limit: 9)
        for index in entries.indices { entries[index].refusal = .notPermitted }
        self.gate.settled(entries, generation: self.generation())
        self.gate.replayed(generation: self.generation())
        #expect(self.gate.isOpen)
        #expect(self.get(self.key) == "Redis", "which answers as it does while it is connected")
        #expect(self.store.statistics(now: .now).entries == 0)
        #expect(self.gate.report.refusedKeys == [.notPermitted: 2])
        #expect(self.gate.report.replayedKeys == 0)
        #expect(self.gate.report.lastReplay?.refused == 2)
        #expect(self.log.lines.filter { $0.contains("refuses for good") }.count == 1)
        // A write that Redis refuses late, while it is there, needs no further line; another outage does.
        for expected in [1, 2] {
            if expected == 2 { self.gate.failed(.deadlines) }
            _ = self.gate.deleteInstead(self.key, isLanding: false)
            if expected == 2 { try self.openForKeys() }
            var late = self.gate.entriesToSettle(limit: 9)
            for index in late.indices { late[index].refusal = .notPermitted }
            self.gate.settled(late, generation: self.generation())
            #expect(self.log.lines.filter { $0.contains("refuses for good") }.count == expected)
        }
        #expect(self.log.lines.allSatisfy { !$0.contains("other") })
    }

    @Test func aPatternThatRedisRefusesIsSettled() async throws {
        #expect(await self.invalidate("k*"))
        #expect(self.gate.reached(generation: self.generation()))
        guard case .pattern(let version, _) = self.gate.nextSharedWork(generation: self.generation()) else {
            Issue.record("there is a pattern")
            return
        }
        self.gate.settled(patternVersion: version, isRefused: true, generation: self.generation())
        #expect(self.gate.report.refusedPatterns == 1)
        #expect(self.gate.report.replayedPatterns == 0)
        guard case .none = self.gate.nextSharedWork(generation: self.generation()) else {
            Issue.record("nothing is left to be done")
            return
        }
    }

    @Test(
        arguments: [
            ("NOPERM User default has no permissions to access the 'k' key", ReplayRefusal.notPermitted),
            ("NOPERM No permissions to access a key", .notPermitted),
            ("NOPERM User default has no permissions to run the 'unlink' command", nil),
            ("OOM command not allowed when used memory > 'maxmemory'.", .outOfMemory),
            ("ERR Protocol error: invalid bulk length", .valueTooLarge),
            ("ERR string exceeds maximum allowed size (proto-max-bulk-len)", .valueTooLarge),
            ("ERR unknown command 'UNLINK'", nil), ("ERR no upstream host", nil), ("READONLY You can't write against a read only replica.", nil),
            ("LOADING Redis is loading the dataset in memory", nil), ("MISCONF Redis is configured to save RDB snapshots", nil),
            ("NOREPLICAS Not enough good replicas to write.", nil), ("BUSY Redis is busy running a script.", nil),
            ("NOAUTH Authentication required.", nil),
            ("MOVED 3999 127.0.0.1:6381", nil), ("TRYAGAIN Multiple keys request during rehashing of slot", nil),
        ] as [(String, ReplayRefusal?)])
    func whatIsRefusedForGoodAndWhatIsAnOutage(_ reply: String, _ expected: ReplayRefusal?) {
        #expect(ReplayRefusal(.serverError(ByteBuffer(string: reply))) == expected)
    }

    // MARK: The bound

    /// The log handler asks the gate, which would end the process if the gate's lock were held.
    @Test func theBoundIsLoggedWithoutTheLock() throws {
        try self.openForKeys()
        self.settleAll()
        let gate = self.gate
        self.log.onLine = { _ = gate.report }
        for number in 0..<5 { _ = self.gate.deleteInstead(ByteBuffer(string: "\(number)"), isLanding: true) }
        self.log.onLine = nil
        #expect(self.gate.report.reason == .journalFull)
        #expect(self.gate.report.reason?.code == "journal_full")
        #expect(self.log.lines.filter { $0.contains("the journal has reached its bound") }.count == 1)
    }

    /// More was written just before a failover than is remembered.
    @Test func tooManyDoubtsAreSaid() throws {
        self.gate.doubt(nil)
        #expect(self.gate.report.mustPurge)
        #expect(self.log.lines.filter { $0.contains("every string will be deleted") }.count == 1)
    }

    @Test func theBoundOfTheJournalClosesTheGate() throws {
        try self.openForKeys()
        self.settleAll()
        for number in 0..<5 { _ = self.gate.deleteInstead(ByteBuffer(string: "\(number)"), isLanding: true) }
        #expect(self.gate.report.mustPurge)
        #expect(self.gate.report.state == .outage)
        #expect(self.get(self.other) == "miss")
        try self.openForKeys()
        self.settleAll()
        #expect(self.gate.isOpen)
        #expect(self.gate.report.purges == 1)
        #expect(self.gate.report.lastReplay?.isPurge == true)
    }

    @Test func aValueTooLargeForMemoryIsRefusedAndItsKeyDeleted() {
        let large = ByteBuffer(repeating: 0, count: 1 << 22)
        #expect(self.text(self.gate.set(self.key, value: large, ttlSeconds: nil, now: .now)) == "refused")
        #expect(self.gate.entriesToSettle(limit: 9).map(\.isValue) == [false])
    }
}
