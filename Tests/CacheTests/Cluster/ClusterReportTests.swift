import CacheTestSupport
import Logging
import MemoryStore
import NIOCore
import RedisClient
import Testing

@testable import Cache

/// What the service reports of a cluster: the parts, and a whole that agrees with them.
@Suite struct ClusterReportTests {
    private let memory = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 20))
    private let control = FakeControlConnection()
    private let gate: OutageGate
    private let service: CacheService

    init() {
        let logger = RecordedLog().logger
        self.gate = OutageGate(memory: self.memory, settings: OutageSettings(), maximumShards: 4, logger: logger)
        self.service = CacheService(memory: self.memory, redis: (self.control, self.gate), eventLoops: [], isRecording: true, logger: logger)
    }

    private func becomeCluster() {
        self.gate.becameCluster()
        for _ in 0..<2 { _ = self.gate.addShard() }
        self.gate.move(8192..<16_384, to: 1)
        self.gate.activate(1)
        self.gate.openForTest()
        self.control.results.topology = TopologyReport(
            nodes: 2, uncoveredSlots: 0, refreshes: 3, refusedViews: 1, triggers: [.moved: 7])
    }

    private func cluster() async throws -> ClusterReport { try #require(await self.service.health().cluster) }

    @Test func aSingleRedisIsNone() async {
        self.gate.openForTest()
        let health = await self.service.health()
        #expect(health.cluster == nil && health.outage?.state == .connected)
    }

    @Test func shardsInUseAreListed() async throws {
        self.becomeCluster()
        let cluster = try await self.cluster()
        #expect(cluster.shards.map(\.index) == [0, 1] && cluster.shards.map(\.slots) == [8192, 8192])
        #expect(cluster.count(.connected) == 2 && cluster.servedShare == 1)
        #expect(cluster.topology.triggers == [.moved: 7] && cluster.topology.refusedViews == 1)
        #expect(await !self.service.health().isDegraded)
    }

    @Test func oneShardAwayIsDegradedAndStillConnected() async throws {
        self.becomeCluster()
        self.gate.failed(.deadlines, shard: 1)
        let health = await self.service.health()
        #expect(health.isDegraded && health.isRedisConnected)
        let cluster = try #require(health.cluster)
        #expect(cluster.count(.connected) == 1 && cluster.count(.outage) == 1 && cluster.servedShare == 0.5)
        #expect(cluster.shards[1].outage.reason == .deadlines)
    }

    @Test func uncoveredSlotsAreAShardOfTheirOwn() async throws {
        self.becomeCluster()
        self.gate.move(0..<16, to: 2)
        let cluster = try await self.cluster()
        #expect(cluster.shards.map(\.slots) == [8176, 8192, 16])
        #expect(cluster.shards[2].outage.state == .outage && cluster.shards[2].outage.reason == .uncovered)
        #expect(cluster.servedShare == Double(16_384 - 16) / 16_384)
    }
}
