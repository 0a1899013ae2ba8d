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
    private let key = ByteBuffer(string: "k")
    private let other = ByteBuffer(string: "other")
    private let value = ByteBuffer(string: "v")

    init() {
        var settings = OutageSettings()
        settings.journalKeys = 4
        self.gate = OutageGate(memory: self.store, settings: settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
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
            case .purge: self.gate.purged(generation: self.generation())
            case .pattern(let version, _): self.gate.settled(patternVersion: version, generation: self.generation())
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

    @Test func patternsAreRememberedOnlyWithoutRedis() throws {
        let glob = GlobPattern(Array("k*".utf8))
        _ = self.set(self.key)
        #expect(self.gate.invalidate(Array("k*".utf8), glob))
        #expect(self.gate.entriesToSettle(limit: 9).map(\.isValue) == [false])
        #expect(self.gate.report.journalPatterns == 1)
        try self.openForKeys()
        #expect(self.gate.report.journalPatterns == 0)
        #expect(!self.gate.invalidate(Array("k*".utf8), glob), "Redis is there: the caller tells it")
        self.gate.invalidateInstead(Array("k*".utf8), .failure(.connectionClosed))
        #expect(self.gate.report.state == .outage)
        #expect(self.gate.report.journalPatterns == 1)
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
