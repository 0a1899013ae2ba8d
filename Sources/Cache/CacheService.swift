import CoreMetrics
package import Logging
package import MemoryStore
package import NIOCore
package import RedisClient

/// The cache for the control plane: what may take its time, callable from any task.
package struct CacheService: Sendable {
    let eventLoops: [EventLoopStore]
    let embedded: EmbeddedStore
    /// nil if no Redis is configured.
    let redis: (control: any CacheControlConnection, gate: OutageGate)?
    let logger: Logger
    let invalidatedKeys = Counter(label: "cacheagent_cache_invalidated_keys_total")
    let invalidatedTags = Counter(label: "cacheagent_cache_invalidated_tags_total")
    package let leaseCounters = LeaseCounters()
    private let started = NIODeadline.now()

    /// The counters of what the router answers.
    package let routerCounters: OperationCounters

    /// - Parameters:
    ///   - redis: the connection for long calls, and the gate of the event loops' stores; nil if no Redis is configured.
    ///   - eventLoops: every event loop's store.
    ///   - isRecording: whether operations are counted.
    package init(
        memory: MemoryStore,
        redis: (control: any CacheControlConnection, gate: OutageGate)?,
        eventLoops: [EventLoopStore],
        isRecording: Bool,
        logger: Logger
    ) {
        self.embedded = EmbeddedStore(memory)
        self.redis = redis
        self.eventLoops = eventLoops
        self.routerCounters = OperationCounters(isRecording: isRecording)
        self.logger = logger
    }

    /// Seconds since the service started.
    package var uptimeSeconds: Int { Int((NIODeadline.now() - self.started).nanoseconds / 1_000_000_000) }

    /// The operations so far, over all event loops and the router.
    package var counts: OperationCounts {
        var counts = self.routerCounters.snapshot
        for eventLoop in self.eventLoops { counts.add(eventLoop.counters.snapshot) }
        return counts
    }

    // MARK: Keys

    /// Reads a key, through the connection of `eventLoop` if Redis is configured.
    /// - Parameter acceptsCopy: whether the answer may come from a copy of an earlier read.
    package func get(_ key: ByteBuffer, acceptsCopy: Bool, on eventLoop: any EventLoop) async -> CacheAnswer {
        if self.redis == nil {
            let answer = self.embedded.get(key)
            if !answer.isToBeResolved { return answer }
        }
        return await self.read(key, acceptsCopy: acceptsCopy, on: eventLoop).answer
    }

    /// Reads a key, and tells what is stored there as well.
    func read(_ key: ByteBuffer, acceptsCopy: Bool, on eventLoop: any EventLoop) async -> ResolvedAnswer {
        let resolver = self.entry(of: eventLoop).resolver
        return await withCheckedContinuation { continuation in
            eventLoop.execute {
                ResolvedRead(resolver.value, acceptsCopy: acceptsCopy) { continuation.resume(returning: $0) }.begin(key)
            }
        }
    }

    /// Stores a value.
    package func set(_ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, on eventLoop: any EventLoop) async -> CacheAnswer {
        guard self.redis != nil else { return self.embedded.set(key, value: value, ttlSeconds: ttlSeconds) }
        return await self.ask(eventLoop) { $0.set(key, value: value, ttlSeconds: ttlSeconds, now: $1, token: 0, receiver: $2) }
    }

    /// Deletes a key.
    package func delete(_ key: ByteBuffer, on eventLoop: any EventLoop) async -> CacheAnswer {
        guard self.redis != nil else { return self.embedded.delete(key) }
        return await self.ask(eventLoop) { $0.delete(key, now: $1, token: 0, receiver: $2) }
    }

    /// Changes a key if it holds what the change expects.
    package func change(
        _ key: ByteBuffer, _ change: CacheChange, whileAway: ChangeWhileAway = .refused, on eventLoop: any EventLoop
    ) async -> CacheAnswer {
        guard self.redis != nil else { return self.embedded.change(key, change) }
        return await self.ask(eventLoop) { $0.change(key, change, whileAway: whileAway, now: $1, token: 0, receiver: $2) }
    }

    private func ask(
        _ eventLoop: any EventLoop,
        _ operation: @escaping @Sendable (any CacheStore, Int, any CacheAnswerReceiver) -> CacheAnswer?
    ) async -> CacheAnswer {
        let store = self.entry(of: eventLoop).store
        return await withCheckedContinuation { continuation in
            eventLoop.execute {
                let receiver = ContinuationReceiver(continuation)
                if let answer = operation(store.value, Int(NIODeadline.now().uptimeNanoseconds), receiver) {
                    receiver.cacheAnswered(answer, token: 0)
                }
            }
        }
    }

    func entry(of eventLoop: any EventLoop) -> EventLoopStore {
        for entry in self.eventLoops where entry.eventLoop === eventLoop { return entry }
        preconditionFailure("a connection runs on an event loop that has no store")
    }

    // MARK: Statistics and health

    /// The figures of `GET /cache/stats`: those of Redis if it answers, else those of the embedded store.
    ///
    /// - Parameter connectedClients: what the embedded store answers for that.
    package func statistics(connectedClients: Int) async -> CacheStatistics {
        guard let (control, gate) = self.redis else { return self.embeddedStatistics(.memory, connectedClients) }
        // A Redis that is known to be away is not waited for.
        guard gate.isRedisAsked else { return self.embeddedStatistics(.outage, connectedClients) }
        do {
            let answer = try await control.information()
            let information = answer.sum
            return CacheStatistics(
                totalKeys: Int(information.keyCount ?? 0),
                memoryUsage: information.usedMemoryHuman ?? "0B",
                connectedClients: Int(information.connectedClients ?? 0),
                uptimeSeconds: Int(information.uptimeSeconds ?? 0),
                totalCommandsProcessed: Int(information.totalCommandsProcessed ?? 0),
                keyspaceHits: Int(information.keyspaceHits ?? 0),
                keyspaceMisses: Int(information.keyspaceMisses ?? 0),
                source: .redis,
                isWhole: answer.isWhole
            )
        } catch {
            return self.embeddedStatistics(.outage, connectedClients)
        }
    }

    private func embeddedStatistics(_ source: CacheSource, _ connectedClients: Int) -> CacheStatistics {
        let memory = self.embedded.memory.statistics(now: .now)
        return CacheStatistics(
            totalKeys: memory.entries,
            memoryUsage: CacheStatistics.humanReadable(bytes: memory.bytes),
            connectedClients: connectedClients,
            uptimeSeconds: self.uptimeSeconds,
            totalCommandsProcessed: memory.hits + memory.misses + memory.sets + memory.deletes,
            keyspaceHits: memory.hits,
            keyspaceMisses: memory.misses,
            source: source
        )
    }

    private var redisSnapshot: RedisCountersSnapshot? {
        guard self.redis != nil else { return nil }
        var counts = RedisCountersSnapshot()
        for eventLoop in self.eventLoops {
            if let counters = eventLoop.redisCounters { counts.add(counters.snapshot) }
        }
        return counts
    }

    /// nil without a cluster.
    private func clusterReport(_ shards: [ShardReport]) -> ClusterReport? {
        guard let topology = self.redis?.control.topology else { return nil }
        var redirects = RedirectCountersSnapshot()
        for eventLoop in self.eventLoops {
            if let counters = eventLoop.redirectCounters { redirects.add(counters.snapshot) }
        }
        return ClusterReport(shards: shards, topology: topology, redirects: redirects)
    }

    /// The copies of reads; nil if none are kept.
    private var nearHealth: NearCacheHealth? {
        guard let near = self.redis?.gate.near else { return nil }
        var counts = NearCountersSnapshot()
        for eventLoop in self.eventLoops {
            if let counters = eventLoop.nearCounters { counts.add(counters.snapshot) }
        }
        return NearCacheHealth(report: near.report, counts: counts)
    }

    /// The keys written lately, over all event loops: each is asked, as no other thread may look at its own.
    package func recentWrites() async -> RecentWritesReport {
        var report = RecentWritesReport()
        for entry in self.eventLoops {
            guard let redis = entry.redis else { continue }
            // It fails only if the event loop has ended.
            if let other = try? await entry.eventLoop.submit({ redis.value.recentWritesReport }).get() { report.add(other) }
        }
        return report
    }

    /// How the cache is. Asks no server.
    package func health() async -> CacheHealth {
        self.health(refusedCommands: await self.redis?.control.refusedOptionalCommands ?? [])
    }

    /// The same without `refusedCommands`, for callers that must not wait for an event loop.
    package var currentHealth: CacheHealth { self.health(refusedCommands: []) }

    private func health(refusedCommands: [String]) -> CacheHealth {
        // Read once, so that the whole and its parts say the same.
        let shards = self.redis?.gate.shardReports
        return CacheHealth(
            outage: shards.map { OutageReport($0) },
            cluster: shards.flatMap { self.clusterReport($0) },
            outageSettings: self.redis?.gate.settings,
            redis: self.redisSnapshot,
            near: self.nearHealth,
            values: self.eventLoops.reduce(into: ValueCounts()) { $0.add($1.valueCounters) },
            leases: self.leaseCounters,
            refusedCommands: refusedCommands + (self.redis?.gate.refusedCommands.all ?? []),
            uptimeSeconds: self.uptimeSeconds,
            memory: self.embedded.memory.statistics(now: .now),
            now: .now
        )
    }

    /// Whether Redis is configured and there.
    package var isRedisAsked: Bool { self.redis?.gate.isRedisAsked ?? false }

    /// What Redis says of itself, within the deadline of the control connection; nil if none is configured, or it is away or does not say.
    package func redisInformation() async -> RedisInformation? {
        guard let (control, gate) = self.redis, gate.isRedisAsked else { return nil }
        return try? await control.information().sum
    }
}

/// Hands the answer of an event loop's store to a task that waits for it.
private final class ContinuationReceiver: CacheAnswerReceiver {
    private let continuation: CheckedContinuation<CacheAnswer, Never>

    init(_ continuation: CheckedContinuation<CacheAnswer, Never>) {
        self.continuation = continuation
    }

    func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        self.continuation.resume(returning: answer)
    }
}
