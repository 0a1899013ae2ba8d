import Backoff
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
        case .conflict: "conflict"
        case .unavailable: "unavailable"
        }
    }

    private func get(_ key: ByteBuffer) -> String { self.text(self.gate.get(key, acceptsCopy: true, now: .now)) }
    private func set(_ key: ByteBuffer) -> String { self.text(self.gate.set(key, value: self.value, ttlSeconds: nil, now: .now)) }
    private func delete(_ key: ByteBuffer) -> String { self.text(self.gate.delete(key, now: .now)) }

    /// As a recovery does it that meets no failure, up to the point from which keys without a record are asked of Redis.
    /// - Returns: the keys that are being settled then.
    @discardableResult
    private func openForKeys() throws -> [OutageJournal.Entry] {
        var step = self.gate.next(.woken)
        while true {
            switch step {
            case .wait: return []
            case .deleteKeys(let entries): return entries
            case .restoreKeys, .fence, .waitForEndedConnections, .collectRecentWrites: throw CancellationError()
            case .endConnections: step = self.gate.next(.connectionsEnded([]))
            case .pause: step = self.gate.next(.pauseEnded)
            case .probe: step = self.gate.next(.redisAnswered)
            case .identifyServer: step = self.gate.next(.serverIdentified("server"))
            case .verifyWrites: step = self.gate.next(.writesVerified)
            case .connectEventLoops: step = self.gate.next(.eventLoopsConnected)
            case .deleteEverything: step = self.gate.next(.everythingDeleted(isRefused: false))
            case .deletePattern: step = self.gate.next(.patternDeleted(isRefused: false))
            }
        }
    }

    private func settle(_ entries: [OutageJournal.Entry]) {
        var step = RecoveryStep.deleteKeys(entries)
        while case .deleteKeys(let entries) = step { step = self.gate.next(.keysSettled(Settlement(settled: entries))) }
        #expect(step == .wait)
    }

    private func connect() throws { self.settle(try self.openForKeys()) }

    @Test func memoryAnswersDuringAnOutage() throws {
        #expect(!self.gate.isOpen(0) && !self.gate.isRedisAsked)
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
        for event: RecoveryEvent in [.woken, .connectionsEnded([]), .redisAnswered, .serverIdentified(nil), .writesVerified] {
            _ = self.gate.next(event)
        }
        #expect(self.get(self.other) == "miss", "patterns may be outstanding: memory answers for every key")
        guard case .deleteKeys(let entries) = self.gate.next(.eventLoopsConnected) else {
            Issue.record("there is no pattern")
            return
        }
        #expect(self.gate.report.state == .replay)
        #expect(self.get(self.other) == "Redis")
        #expect(self.set(self.other) == "Redis")
        #expect(self.get(self.key) == "hit v")
        #expect(self.delete(self.key) == "deleted")
        self.settle(entries)
        #expect(self.gate.isOpen(0))
        #expect(self.get(self.key) == "Redis")
        #expect(self.gate.report.state == .connected)
        #expect(self.gate.report.lastReplay?.keys == 2, "the value, and the deletion after it")
    }

    /// A key that leaves the journal leaves the store: a later outage must not find an old value.
    @Test func noValueOutlivesItsOutage() throws {
        _ = self.set(self.key)
        try self.connect()
        self.gate.failed(.deadlines)
        #expect(self.get(self.key) == "miss")
        #expect(self.store.statistics(now: .now).entries == 0)
    }

    private func lease(_ key: ByteBuffer) -> String {
        let change = CacheChange.create(value: self.value, ttl: .milliseconds(60_000))
        return self.text(self.gate.change(key, change, whileAway: .perInstance(isReplayed: false), now: .now))
    }

    /// What is replayed to nobody leaves the store before Redis is asked.
    @Test func noLeaseOutlivesItsOutage() throws {
        #expect(self.lease(self.key) == "stored")
        #expect(self.get(self.key) == "hit v")
        try self.connect()
        self.gate.failed(.deadlines)
        #expect(self.get(self.key) == "miss")
        #expect(self.store.statistics(now: .now).entries == 0)
    }

    @Test func aValueInPlaceOfALeaseIsReplayed() throws {
        #expect(self.lease(self.key) == "stored")
        #expect(self.set(self.key) == "stored")
        let entries = try self.openForKeys()
        #expect(entries.map(\.isValue) == [true])
        #expect(self.get(self.key) == "hit v")
        self.settle(entries)
        #expect(self.store.statistics(now: .now).entries == 0)
    }

    @Test func noMoreLeasesThanTheBound() {
        for name in ["a", "b", "c", "d"] { #expect(self.lease(ByteBuffer(string: name)) == "stored") }
        #expect(self.lease(self.key) == "unavailable")
        #expect(self.lease(ByteBuffer(string: "a")) == "conflict")
    }

    @Test func aWriteThatRedisDidNotAnswerIsAnsweredFromMemoryUntilItHasLanded() throws {
        try self.connect()
        #expect(self.text(self.gate.setInstead(self.key, value: self.value, ttlSeconds: nil, isLate: true)) == "stored")
        #expect(!self.gate.isOpen(0))
        #expect(self.gate.isRedisAsked)
        #expect(self.get(self.key) == "hit v")
        #expect(self.get(self.other) == "Redis")
        #expect(self.gate.report.state == .connected, "one late command is no outage")
        #expect(self.gate.next(.woken) == .wait)
        self.gate.repliedLate(self.key)
        let entries = try self.openForKeys()
        #expect(entries.map(\.key) == [self.key.bytes])
        self.settle(entries)
        #expect(self.gate.isOpen(0))
        #expect(self.get(self.key) == "Redis")
    }

    /// When every connection has ended nothing that was sent over them is carried out any more.
    @Test func anOutageEndsAllLateCommands() throws {
        try self.connect()
        _ = self.gate.deleteInstead(self.key, isLate: true)
        self.gate.failed(.deadlines)
        _ = self.gate.deleteInstead(self.other, isLate: true)
        #expect(try self.openForKeys().count == 2)
    }

    @Test func whatWasSettledForAnEarlierOutageCountsNoMore() throws {
        _ = self.delete(self.key)
        let entries = try self.openForKeys()
        self.gate.failed(.deadlines)
        #expect(self.gate.next(.keysSettled(Settlement(settled: entries))) == .endConnections)
        #expect(self.gate.report.journalKeys == 1)
        #expect(self.gate.next(.connectionsEnded([])) == .pause(.attempt(1)))
        for event: RecoveryEvent in [.pauseEnded, .redisAnswered] { _ = self.gate.next(event) }
        self.gate.failed(.overloaded)
        #expect(self.gate.next(.stepFailed(.connectionClosed)) == .endConnections)
        #expect(self.gate.report.reason == .overloaded)
    }

    private func invalidate(_ pattern: String) async -> Bool {
        let glob = GlobPattern(Array(pattern.utf8))
        return await self.gate.invalidate(Array(pattern.utf8)) { glob.matches($0) }.isEmpty
    }

    @Test func patternsAreRememberedOnlyWithoutRedis() async throws {
        _ = self.set(self.key)
        _ = self.set(self.other)
        #expect(await self.invalidate("k*"))
        #expect(Set(self.gate.journal().entries(limit: 9).filter(\.isValue).map(\.key)) == [self.other.bytes])
        #expect(self.gate.report.journalPatterns == 1)
        try self.openForKeys()
        #expect(self.gate.report.journalPatterns == 0)
        #expect(await !self.invalidate("k*"), "Redis is there: the caller tells it")
        self.gate.invalidateInstead(Array("k*".utf8), .failure(.connectionClosed), shard: 0)
        #expect(self.gate.report.state == .outage)
        #expect(self.gate.report.journalPatterns == 1)
    }

    /// Event loops take the gate's lock for every operation, so a pattern is compared with keys outside of it. The lock is not recursive: to ask the
    /// gate while it is held would end the process.
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
        let entries = gate.journal().entries(limit: .max)
        #expect(entries.count == keys + 1)
        #expect(entries.allSatisfy { !$0.isValue })
    }

    /// A replay may have sent a value to Redis before the pattern was, and hear of it after: the key has to be deleted once more.
    @Test func aValueOnItsWayToRedisDoesNotOutliveAPattern() async throws {
        _ = self.set(self.key)
        let underWay = try self.openForKeys()
        #expect(await !self.invalidate("k*"))
        _ = self.gate.next(.keysSettled(Settlement(settled: underWay)))
        #expect(self.gate.journal().entries(limit: 9).map(\.isValue) == [false])
    }

    /// Whatever is written while keys are compared is as new as the invalidation, and is not lost.
    @Test func whatIsWrittenDuringAnInvalidationIsSettled() async throws {
        _ = self.set(self.key)
        _ = await self.gate.invalidate(Array("*".utf8)) { _ in
            _ = self.gate.set(self.other, value: self.value, ttlSeconds: nil, now: .now)
            return true
        }
        let entries = self.gate.journal().entries(limit: 9)
        #expect(Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0.isValue) }) == [self.key.bytes: false, self.other.bytes: true])
    }

    // MARK: What Redis refuses

    /// A key that Redis refuses for good leaves the journal as others do, and is counted and logged once.
    @Test func aRefusalDoesNotKeepTheGateClosed() throws {
        for key in [self.key, self.other] { _ = self.set(key) }
        var entries = try self.openForKeys()
        for index in entries.indices { entries[index].refusal = .notPermitted }
        self.settle(entries)
        #expect(self.gate.isOpen(0))
        #expect(self.get(self.key) == "Redis", "which answers as it does while it is connected")
        #expect(self.store.statistics(now: .now).entries == 0)
        #expect(self.gate.report.refusedKeys == [.notPermitted: 2])
        #expect(self.gate.report.replayedKeys == 0)
        #expect(self.gate.report.lastReplay?.refused == 2)
        #expect(self.log.lines.filter { $0.contains("refuses for good") }.count == 1)
        // A write that Redis refuses late, while it is there, needs no further line; another outage does.
        for expected in [1, 2] {
            if expected == 2 { self.gate.failed(.deadlines) }
            _ = self.gate.deleteInstead(self.key, isLate: false)
            var late = try self.openForKeys()
            for index in late.indices { late[index].refusal = .notPermitted }
            self.settle(late)
            #expect(self.log.lines.filter { $0.contains("refuses for good") }.count == expected)
        }
        #expect(self.log.lines.allSatisfy { !$0.contains("other") })
    }

    @Test func aPatternThatRedisRefusesIsSettled() async throws {
        #expect(await self.invalidate("k*"))
        for event: RecoveryEvent in [.woken, .connectionsEnded([]), .redisAnswered, .serverIdentified(nil), .writesVerified] {
            _ = self.gate.next(event)
        }
        #expect(self.gate.next(.eventLoopsConnected) == .deletePattern(Array("k*".utf8)))
        #expect(self.gate.next(.patternDeleted(isRefused: true)) == .wait)
        #expect(self.gate.report.refusedPatterns == 1)
        #expect(self.gate.report.replayedPatterns == 0)
        #expect(self.gate.isOpen(0))
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
        try self.connect()
        let gate = self.gate
        self.log.onLine = { _ = gate.report }
        for number in 0..<5 { _ = self.gate.deleteInstead(ByteBuffer(string: "\(number)"), isLate: true) }
        self.log.onLine = nil
        #expect(self.gate.report.reason == .journalFull)
        #expect(self.gate.report.reason?.code == "journal_full")
        #expect(self.log.lines.filter { $0.contains("the journal is full") }.count == 1)
    }

    /// More was written just before a failover than is remembered.
    @Test func tooManyRecentWritesAreLogged() throws {
        try self.connect()
        self.gate.failed(.deadlines)
        for event: RecoveryEvent in [.woken, .connectionsEnded([]), .pauseEnded, .redisAnswered] { _ = self.gate.next(event) }
        #expect(self.gate.next(.serverIdentified("another")) == .collectRecentWrites)
        #expect(self.gate.next(.recentWritesCollected(isComplete: false)) == .verifyWrites)
        #expect(self.gate.report.mustPurge)
        #expect(self.log.lines.filter { $0.contains("every string will be deleted") }.count == 1)
    }

    @Test func theBoundOfTheJournalClosesTheGate() throws {
        try self.connect()
        for number in 0..<5 { _ = self.gate.deleteInstead(ByteBuffer(string: "\(number)"), isLate: true) }
        #expect(self.gate.report.mustPurge)
        #expect(self.gate.report.state == .outage)
        #expect(self.get(self.other) == "miss")
        try self.connect()
        #expect(self.gate.isOpen(0))
        #expect(self.gate.report.purges == 1)
        #expect(self.gate.report.lastReplay?.isPurge == true)
    }

    @Test func aValueTooLargeForMemoryIsRefusedAndItsKeyDeleted() {
        let large = ByteBuffer(repeating: 0, count: 1 << 22)
        #expect(self.text(self.gate.set(self.key, value: large, ttlSeconds: nil, now: .now)) == "refused")
        #expect(self.gate.journal().entries(limit: 9).map(\.isValue) == [false])
    }
}
