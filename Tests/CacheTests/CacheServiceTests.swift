import CacheTestSupport
import MemoryStore
import NIOCore
import NIOPosix
import RESP
import RedisClient
import Testing

@testable import Cache

/// The control plane over an event loop's store and a control connection that do as the test says.
@Suite struct CacheServiceTests {
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let memory = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))
    private let log = RecordedLog()
    private let control = FakeControlConnection()
    private let gate: OutageGate
    private let key = ByteBuffer(string: "user:1")
    private let pattern = ByteBuffer(string: "user:*")

    init() {
        self.gate = OutageGate(memory: self.memory, settings: OutageSettings(), logger: self.log.logger)
    }

    private func embedded() -> CacheService {
        CacheService(memory: self.memory, redis: nil, eventLoops: [], isRecording: true, logger: self.log.logger)
    }

    /// A service whose event loop has a Redis store, over a connection that the test prepares.
    private func service(_ prepare: @escaping @Sendable (FakeRedisConnection) -> Void = { $0.answersPings = true }) async throws -> CacheService {
        let (gate, eventLoop) = (self.gate, self.eventLoop)
        return try await self.service {
            let connection = FakeRedisConnection(eventLoop: eventLoop)
            prepare(connection)
            let store = ClusterStore(gate: gate, slots: gate.table, on: eventLoop)
            store.add(RedisStore(connection: connection, gate: gate, shard: 0, slots: gate.table))
            return EventLoopStore(store, counters: OperationCounters(), on: eventLoop)
        }
    }

    private func service(makingStore: @escaping @Sendable () -> EventLoopStore) async throws -> CacheService {
        let entry = try await self.eventLoop.submit(makingStore).get()
        return CacheService(
            memory: self.memory, redis: (self.control, self.gate), eventLoops: [entry], isRecording: true, logger: self.log.logger)
    }

    private func remember(_ key: String) {
        _ = self.memory.set(Array(key.utf8).span, value: Array("v".utf8).span, expiresAt: nil, now: .now)
    }

    private func invalidate(_ service: CacheService, isDryRun: Bool = false) async -> InvalidationOutcome {
        await service.invalidate(self.pattern, isDryRun: isDryRun, on: self.eventLoop)
    }

    // MARK: Counters

    /// Each operation, store and result is counted apart from all others, and there is room for the last of them.
    @Test func everyOutcomeIsCountedApart() {
        #expect(CacheSource.count == CacheSource.allCases.count)
        let counters = OperationCounters()
        var number = 0
        for operation in CacheOperation.allCases {
            for source in CacheSource.allCases {
                for result in OperationResult.allCases {
                    number += 1
                    for _ in 0..<number { counters.record(operation, source, result, nanoseconds: 1) }
                    #expect(counters.snapshot.count(operation, source, result) == number)
                }
            }
        }
        #expect(OperationCounts.index(.expire, .near, .conflict) == number - 1)
    }

    // MARK: Keys

    @Test func theEmbeddedStoreAnswersWithoutAnEventLoop() async {
        let service = self.embedded()
        #expect(await service.get(self.key, acceptsCopy: true, on: self.eventLoop).text == "miss memory")
        #expect(await service.set(self.key, value: ByteBuffer(string: "v"), ttlSeconds: nil, on: self.eventLoop).text == "stored memory")
        #expect(await service.get(self.key, acceptsCopy: true, on: self.eventLoop).text == "hit v ttl=none memory")
        #expect(await service.delete(self.key, on: self.eventLoop).text == "deleted memory")
    }

    /// An answer that comes at once and one that comes later reach the task that waits for it.
    @Test(arguments: [false, true])
    func operationsGoThroughTheStoreOfTheEventLoop(answersLater: Bool) async throws {
        let eventLoop = self.eventLoop
        let service = try await self.service {
            let store = FakeStore()
            store.answerAtOnce = { operation in
                let answer: CacheAnswer = operation.hasPrefix("SET") ? .stored(.redis) : operation.hasPrefix("GET") ? .miss(.redis) : .deleted(.redis)
                guard answersLater else { return answer }
                eventLoop.assumeIsolated().execute { store.answer(answer) }
                return nil
            }
            return EventLoopStore(store, counters: OperationCounters(), on: eventLoop)
        }
        #expect(await service.set(self.key, value: ByteBuffer(string: "v"), ttlSeconds: 60, on: eventLoop).text == "stored redis")
        #expect(await service.get(self.key, acceptsCopy: true, on: eventLoop).text == "miss redis")
        #expect(await service.delete(self.key, on: eventLoop).text == "deleted redis")
    }

    // MARK: Invalidation

    @Test func theEmbeddedStoreInvalidatesAndCounts() async {
        for key in ["user:1", "user:2", "other"] { self.remember(key) }
        let service = self.embedded()
        #expect(await self.invalidate(service, isDryRun: true) == .invalidated(2, .memory))
        #expect(await self.invalidate(service) == .invalidated(2, .memory))
        #expect(await self.invalidate(service) == .invalidated(0, .memory))
        #expect(self.memory.statistics(now: .now).entries == 1)
    }

    @Test func redisInvalidates() async throws {
        self.gate.openForTest()
        self.control.results.deletion = .success(RedisControl.Deletion(removed: 3))
        let service = try await self.service()
        #expect(await self.invalidate(service) == .invalidated(3, .redis))
        #expect(self.control.calls == ["delete user:*"])
        #expect(self.gate.report.journalPatterns == 0)
    }

    @Test func duringAnOutageAnInvalidationIsQueued() async throws {
        self.remember("user:1")
        let service = try await self.service()
        #expect(await self.invalidate(service) == .queued(keysGone: 1))
        #expect(self.control.calls == [], "a Redis that is known to be away is not waited for")
        #expect(self.gate.report.journalPatterns == 1)
        #expect(self.memory.statistics(now: .now).entries == 0)
    }

    /// Whether a walk can begin is known within the deadline of any command.
    @Test func withoutASignOfLifeAnInvalidationIsQueued() async throws {
        self.gate.openForTest()
        let service = try await self.service { $0.refusal = .notConnected }
        #expect(await self.invalidate(service) == .queued(keysGone: 0))
        #expect(self.control.calls == [])
        #expect(!self.gate.isRedisAsked)
        #expect(self.gate.report.journalPatterns == 1)
    }

    @Test(arguments: [RedisFailure.connectionClosed, .deadlineExceeded, .notConnected])
    func anInvalidationThatLosesRedisIsQueued(_ failure: RedisFailure) async throws {
        self.gate.openForTest()
        self.control.results.deletion = .failure(failure)
        let service = try await self.service()
        #expect(await self.invalidate(service) == .queued(keysGone: 0))
        #expect(!self.gate.isRedisAsked)
        #expect(self.gate.report.journalPatterns == 1)
    }

    @Test(arguments: [RedisFailure.serverError(ByteBuffer(string: "NOPERM no SCAN")), .cancelled, .unexpectedReply])
    func aFailureOfTheCallAloneLeavesTheInvalidationIncomplete(_ failure: RedisFailure) async throws {
        self.gate.openForTest()
        self.control.results.deletion = .failure(failure)
        let service = try await self.service()
        #expect(await self.invalidate(service) == .incomplete)
        #expect(self.gate.isRedisAsked, "other calls may well succeed")
        #expect(self.gate.report.journalPatterns == 0)
    }

    @Test func keysThatRedisKeepsLeaveTheInvalidationIncomplete() async throws {
        self.gate.openForTest()
        self.control.results.deletion = .success(RedisControl.Deletion(removed: 3, refused: 1))
        let service = try await self.service()
        #expect(await self.invalidate(service) == .incomplete)
        #expect(self.gate.isRedisAsked)
    }

    @Test func aDryRunCountsInRedis() async throws {
        self.remember("user:1")
        self.gate.openForTest()
        self.control.results.keyCount = .success(7)
        let service = try await self.service()
        #expect(await self.invalidate(service, isDryRun: true) == .invalidated(7, .redis))
        #expect(self.control.calls == ["count user:*"])
        self.control.results.keyCount = .failure(.serverError(ByteBuffer(string: "NOPERM no SCAN")))
        #expect(await self.invalidate(service, isDryRun: true) == .incomplete)
        self.control.results.keyCount = .failure(.connectionClosed)
        #expect(await self.invalidate(service, isDryRun: true) == .unknown)
        #expect(self.memory.statistics(now: .now).entries == 1, "a dry run changes nothing")
    }

    @Test func aDryRunDuringAnOutageIsUnknown() async throws {
        let service = try await self.service()
        #expect(await self.invalidate(service, isDryRun: true) == .unknown)
        #expect(self.control.calls == [])
        #expect(self.gate.report.journalPatterns == 0)
    }

    // MARK: Statistics and health

    @Test func statisticsOfTheEmbeddedStore() async {
        self.remember("user:1")
        let statistics = await self.embedded().statistics(connectedClients: 4)
        #expect(statistics.source == .memory && statistics.totalKeys == 1 && statistics.connectedClients == 4)
        #expect(statistics.totalCommandsProcessed == 1)
    }

    @Test func statisticsOfRedis() async throws {
        self.gate.openForTest()
        var information = RedisInformation()
        information.keyCount = 5
        information.usedMemoryHuman = "1.50M"
        information.connectedClients = 2
        information.keyspaceHits = 3
        information.keyspaceMisses = 1
        self.control.results.information = .success(information)
        let service = try await self.service()
        let statistics = await service.statistics(connectedClients: 4)
        #expect(statistics.source == .redis && statistics.totalKeys == 5 && statistics.memoryUsage == "1.50M")
        #expect(statistics.connectedClients == 2 && statistics.hitRateHundredths == 7500)
        #expect(await service.redisInformation() == information)
        self.control.results.information = .failure(.deadlineExceeded)
        #expect(await service.statistics(connectedClients: 4).source == .outage)
        #expect(await service.redisInformation() == nil)
    }

    @Test func statisticsDuringAnOutageDoNotWaitForRedis() async throws {
        let service = try await self.service()
        #expect(await service.statistics(connectedClients: 4).source == .outage)
        #expect(await service.redisInformation() == nil)
        #expect(self.control.calls == [])
    }

    @Test func healthOfTheEmbeddedStore() async {
        let health = await self.embedded().health()
        #expect(health.outage == nil && health.redis == nil && health.refusedCommands == [])
        #expect(!health.isDegraded && !health.isRedisConnected)
    }

    @Test func healthWithRedis() async throws {
        self.control.results.refusedOptionalCommands = ["CLIENT SETNAME"]
        let service = try await self.service()
        var health = await service.health()
        #expect(health.isDegraded && !health.isRedisConnected)
        #expect(health.refusedCommands == ["CLIENT SETNAME"])
        self.gate.openForTest()
        health = service.currentHealth
        #expect(!health.isDegraded && health.isRedisConnected)
        #expect(health.redis == RedisCountersSnapshot())
        #expect(health.refusedCommands == [], "the short form waits for no event loop")
    }

    // MARK: Counters

    @Test func countersAndRecentWritesAreSummedOverTheEventLoops() async throws {
        self.gate.openForTest()
        let service = try await self.service()
        service.routerCounters.record(.get, .redis, .hit, nanoseconds: 1000)
        service.eventLoops[0].counters.record(.get, .redis, .miss, nanoseconds: 1000)
        #expect(service.counts.count(.get) == 2 && service.counts.hits == 1 && service.counts.misses == 1)
        #expect(await service.recentWrites().maximumBytes == OutageSettings().recentWritesBytes)
    }
}

@Suite struct CacheStatisticsTests {
    /// The words of Redis's own `used_memory_human`.
    @Test func sizes() {
        let cases = [(0, "0B"), (1023, "1023B"), (1024, "1.00K"), (1536, "1.50K"), (5_557_453, "5.30M"), (1 << 30, "1.00G"), (3 << 40, "3.00T")]
        for (bytes, text) in cases { #expect(CacheStatistics.humanReadable(bytes: bytes) == text) }
    }

    @Test func hitRate() {
        var statistics = CacheStatistics(
            totalKeys: 0, memoryUsage: "", connectedClients: 0, uptimeSeconds: 0, totalCommandsProcessed: 0, keyspaceHits: 0, keyspaceMisses: 0,
            source: .memory)
        #expect(statistics.hitRateHundredths == 0)
        statistics.keyspaceHits = 2
        statistics.keyspaceMisses = 1
        #expect(statistics.hitRateHundredths == 6667)
    }
}
