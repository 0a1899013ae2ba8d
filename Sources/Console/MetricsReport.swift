package import Access
package import Cache
import CacheAPI
package import HTTPWire
import Logging
import MemoryStore
package import NIOCore
import RedisClient
package import Telemetry

/// The contents of a scrape, read at one moment.
package struct MetricsReport {
    let operations: OperationCounts
    let http: HTTPCountersSnapshot
    let health: CacheHealth
    let telemetry: ServiceTelemetry
    let accessLogDropped: Int
    let limiter: Limiter
    let rememberedTokens: Int
    let recentWrites: RecentWritesReport

    /// Writes the scrape.
    package func text(_ format: ExpositionFormat) -> ByteBuffer {
        var writer = ExpositionWriter(format: format)
        self.writeCache(into: &writer)
        self.writeLeases(into: &writer)
        self.writeHTTP(into: &writer)
        self.writeMemory(into: &writer)
        self.writeNearCache(into: &writer)
        self.writeRedis(into: &writer)
        self.writeCluster(into: &writer)
        self.writeProcess(into: &writer)
        self.telemetry.registry.write(into: &writer)
        writer.finish()
        return writer.bytes
    }

    /// The stores that can answer such an operation: those of the configuration.
    private func stores(for operation: CacheOperation) -> [CacheSource] {
        guard self.health.outage != nil else { return [.memory] }
        // Copies are only ever read.
        return operation == .get ? [.redis, .outage, .near] : [.redis, .outage]
    }

    private func writeCache(into writer: inout ExpositionWriter) {
        writer.family(MetricCatalogue.operations)
        for operation in CacheOperation.allCases {
            for store in self.stores(for: operation) {
                for result in operation.possibleResults {
                    let labels = [
                        MetricLabel("operation", operation.name), MetricLabel("store", store.name), MetricLabel("result", result.name),
                    ]
                    writer.sample(labels, self.operations.count(operation, store, result))
                }
            }
        }
        writer.family(MetricCatalogue.operationDuration)
        for operation in CacheOperation.allCases {
            writer.histogram([MetricLabel("operation", operation.name)], self.operations.latency(operation))
        }
        let reads = self.operations.hits + self.operations.misses
        writer.single(MetricCatalogue.hits, self.operations.hits)
        writer.single(MetricCatalogue.misses, self.operations.misses)
        writer.single(MetricCatalogue.hitRatio, reads == 0 ? .nan : Double(self.operations.hits) / Double(reads))
        writer.single(MetricCatalogue.degraded, self.operations.count(.outage))
    }

    private func writeLeases(into writer: inout ExpositionWriter) {
        let values = self.health.values
        writer.single(MetricCatalogue.staleAnswers, values.stale)
        writer.single(MetricCatalogue.outdatedValues, values.outdated)
        writer.single(MetricCatalogue.unreadableValues, values.unreadable)
        writer.family(MetricCatalogue.leases)
        for event in LeaseCounters.Event.allCases { writer.sample([MetricLabel("event", event.name)], self.health.leases.count(event)) }
        writer.single(MetricCatalogue.leaseWaiting, self.health.leases.waiting)
        writer.family(MetricCatalogue.leaseWait)
        writer.histogram([], self.health.leases.waited)
    }

    private func writeHTTP(into writer: inout ExpositionWriter) {
        writer.family(MetricCatalogue.requests)
        for handler in RequestHandlerKind.allCases {
            // Statuses that have not occurred are left out, except 200, which every rate starts from.
            for status in AnswerStatus.allCases where status == .ok || self.http.count(handler, status) > 0 {
                let labels = [MetricLabel("handler", handler.name), MetricLabel("code", "\(status.rawValue)")]
                writer.sample(labels, self.http.count(handler, status))
            }
        }
        writer.single(MetricCatalogue.requestErrors, self.http.errors)
        writer.family(MetricCatalogue.refusals)
        for kind in LimitKind.allCases { writer.sample([MetricLabel("limit", kind.name)], self.limiter.refusals(kind)) }
        writer.single(MetricCatalogue.rememberedTokens, self.rememberedTokens)
        writer.single(MetricCatalogue.inFlight, self.http.inFlight)
        writer.single(MetricCatalogue.connections, self.http.openConnections)
        writer.family(MetricCatalogue.connectionsByProtocol)
        writer.sample([MetricLabel("protocol", "http/1.1")], self.http.openConnections - self.http.openHTTP2Connections)
        writer.sample([MetricLabel("protocol", "http/2")], self.http.openHTTP2Connections)
        writer.single(MetricCatalogue.acceptedConnections, self.http.acceptedConnections)
        writer.single(MetricCatalogue.http2Requests, self.http.http2Requests)
        writer.single(MetricCatalogue.receivedBytes, self.http.receivedBytes)
        writer.single(MetricCatalogue.sentBytes, self.http.sentBytes)
        writer.single(MetricCatalogue.unsentBytes, self.limiter.unsentByteCount)
        writer.single(MetricCatalogue.waitingBytes, self.limiter.receivedByteCount)
        writer.single(MetricCatalogue.readPauses, self.http.readPauses)
        writer.single(MetricCatalogue.batches, self.http.batches.batches)
        writer.single(MetricCatalogue.batchOperations, self.http.batches.operations)
        writer.single(MetricCatalogue.batchValuesTooLarge, self.http.batches.valuesTooLarge)
    }

    private func writeMemory(into writer: inout ExpositionWriter) {
        let memory = self.health.memory
        writer.single(MetricCatalogue.memoryEntries, memory.entries)
        writer.single(MetricCatalogue.memoryBytes, memory.bytes)
        writer.single(MetricCatalogue.memoryBound, memory.maximumBytes)
        writer.single(MetricCatalogue.memoryEvictions, memory.evictions)
        writer.single(MetricCatalogue.memoryExpirations, memory.expirations)
        writer.single(MetricCatalogue.memoryRejections, memory.rejections)
    }

    private func writeNearCache(into writer: inout ExpositionWriter) {
        guard let near = self.health.near else { return }
        let counts = near.counts
        writer.family(MetricCatalogue.nearCoherence)
        for mode in Coherence.allCases { writer.sample([MetricLabel("mode", mode.rawValue)], near.report.coherence == mode ? 1 : 0) }
        writer.single(MetricCatalogue.nearEntries, near.report.memory.entries)
        writer.single(MetricCatalogue.nearBytes, near.report.memory.bytes)
        writer.single(MetricCatalogue.nearBound, near.report.memory.maximumBytes)
        writer.single(MetricCatalogue.nearEvictions, near.report.memory.evictions)
        writer.family(MetricCatalogue.nearHitAge)
        writer.histogram([], counts.ages)
        writer.family(MetricCatalogue.nearFills)
        writer.sample([MetricLabel("result", "kept")], counts.count(.kept))
        writer.sample([MetricLabel("result", "fenced")], counts.count(.fenced))
        writer.sample([MetricLabel("result", "unsuitable")], counts.count(.unsuitable))
        writer.single(MetricCatalogue.nearSharedReads, counts.count(.shared))
        writer.family(MetricCatalogue.nearPushes)
        writer.sample([MetricLabel("kind", "keys")], counts.count(.pushOfKeys))
        writer.sample([MetricLabel("kind", "everything")], counts.count(.pushOfEverything))
        writer.sample([MetricLabel("kind", "other")], counts.count(.otherPush))
        writer.single(MetricCatalogue.nearInvalidatedKeys, counts.count(.invalidatedKey))
        writer.family(MetricCatalogue.nearCoverageLosses)
        writer.sample([MetricLabel("reason", "connection")], counts.count(.lostConnection))
        writer.sample([MetricLabel("reason", "silence")], counts.count(.silence))
    }

    private func writeRedis(into writer: inout ExpositionWriter) {
        writer.single(MetricCatalogue.redisConnected, self.health.isRedisConnected ? 1 : 0)
        guard let outage = self.health.outage, let redis = self.health.redis, let bounds = self.health.outageSettings else { return }
        writer.family(MetricCatalogue.redisState)
        for state in OutageReport.State.allCases { writer.sample([MetricLabel("state", state.rawValue)], outage.state == state ? 1 : 0) }
        writer.single(MetricCatalogue.redisConnections, redis.connections)
        writer.single(MetricCatalogue.redisConnectionsOpened, redis.opened)
        writer.single(MetricCatalogue.redisConnectionFailures, redis.failed)
        writer.single(MetricCatalogue.redisPending, redis.pending)
        writer.single(MetricCatalogue.redisDeadlines, redis.deadlinesMissed)
        writer.single(MetricCatalogue.redisLateReplies, redis.lateReplies)
        writer.single(MetricCatalogue.redisRejected, redis.rejected)
        writer.single(MetricCatalogue.outages, outage.outages)
        writer.single(MetricCatalogue.recoveryFailures, outage.failedAttempts)
        writer.single(MetricCatalogue.journalKeys, outage.journalKeys)
        writer.single(MetricCatalogue.journalKeysBound, bounds.journalKeys)
        writer.single(MetricCatalogue.journalPatterns, outage.journalPatterns)
        writer.single(MetricCatalogue.journalBytes, outage.journalBytes)
        writer.single(MetricCatalogue.journalBytesBound, bounds.journalBytes)
        let age = outage.journalOldest.map { Double(self.health.now.milliseconds - $0.milliseconds) / 1000 } ?? 0
        writer.single(MetricCatalogue.journalAge, age)
        writer.single(MetricCatalogue.journalOverflows, outage.journalOverflows)
        writer.single(MetricCatalogue.replayKeys, outage.replayedKeys)
        writer.single(MetricCatalogue.replayPatterns, outage.replayedPatterns)
        writer.family(MetricCatalogue.replayRefusals)
        for refusal in ReplayRefusal.allCases {
            writer.sample([MetricLabel("kind", "key"), MetricLabel("reason", refusal.rawValue)], outage.refusedKeys[refusal] ?? 0)
        }
        let notPermitted = MetricLabel("reason", ReplayRefusal.notPermitted.rawValue)
        writer.sample([MetricLabel("kind", "pattern"), notPermitted], outage.refusedPatterns)
        writer.single(MetricCatalogue.replayPurges, outage.purges)
        writer.single(MetricCatalogue.replayDuration, Double(outage.lastReplay?.durationMilliseconds ?? 0) / 1000)
        writer.single(MetricCatalogue.recentWritesBytes, self.recentWrites.bytes)
        writer.single(MetricCatalogue.recentWritesBound, self.recentWrites.maximumBytes)
        writer.single(MetricCatalogue.recentWritesOverflows, self.recentWrites.overflows)
    }

    private func writeCluster(into writer: inout ExpositionWriter) {
        guard let cluster = self.health.cluster else { return }
        let topology = cluster.topology
        writer.single(MetricCatalogue.clusterNodes, topology.nodes)
        writer.family(MetricCatalogue.clusterShards)
        for state in OutageReport.State.allCases { writer.sample([MetricLabel("state", state.rawValue)], cluster.count(state)) }
        writer.single(MetricCatalogue.clusterServed, cluster.servedShare)
        writer.single(MetricCatalogue.clusterUncovered, topology.uncoveredSlots)
        writer.family(MetricCatalogue.clusterRedirects)
        writer.sample([MetricLabel("kind", "moved")], cluster.redirects.count(.moved))
        writer.sample([MetricLabel("kind", "ask")], cluster.redirects.count(.ask))
        writer.single(MetricCatalogue.clusterRedirectsToSelf, cluster.redirects.count(.stale))
        writer.single(MetricCatalogue.clusterRedirectsGivenUp, cluster.redirects.count(.givenUp))
        writer.single(MetricCatalogue.clusterRefreshes, topology.refreshes)
        writer.family(MetricCatalogue.clusterTriggers)
        for trigger in TopologyRefresh.Trigger.allCases {
            writer.sample([MetricLabel("reason", trigger.name)], topology.triggers[trigger] ?? 0)
        }
        writer.single(MetricCatalogue.clusterRefused, topology.refusedViews)
    }

    private func writeProcess(into writer: inout ExpositionWriter) {
        writer.family(MetricCatalogue.eventLoopDelay)
        writer.histogram([], self.telemetry.eventLoopDelay.snapshot)
        writer.family(MetricCatalogue.logLines)
        for level in Logger.Level.allCases {
            writer.sample([MetricLabel("severity", level.rawValue)], self.telemetry.logCounters.count(level))
        }
        writer.single(MetricCatalogue.logDropped, self.telemetry.logSink.dropped)
        writer.single(MetricCatalogue.accessLogDropped, self.accessLogDropped)
        if let process = ProcessFigures.read() {
            writer.single(MetricCatalogue.cpu, process.cpuSeconds)
            writer.single(MetricCatalogue.residentMemory, process.residentBytes)
            writer.single(MetricCatalogue.virtualMemory, process.virtualBytes)
            writer.single(MetricCatalogue.openFiles, process.openFiles)
            if let bound = process.maximumOpenFiles { writer.single(MetricCatalogue.openFilesBound, bound) }
            writer.single(MetricCatalogue.threads, process.threads)
            writer.single(MetricCatalogue.startTime, process.startTimeSeconds)
        }
        writer.single(MetricCatalogue.uptime, self.health.uptimeSeconds)
        writer.family(MetricCatalogue.buildInformation)
        writer.sample([MetricLabel("version", ServiceVersion.current)], 1)
    }
}

/// Reads every counter of the process.
package struct MetricsReporter: Sendable {
    let service: CacheService
    package let httpCounters: HTTPCounterSet
    private let telemetry: ServiceTelemetry
    private let accessLog: AccessLog?
    let limiter: Limiter
    private let access: AccessControl?

    package init(
        service: CacheService, httpCounters: HTTPCounterSet, telemetry: ServiceTelemetry, accessLog: AccessLog?, limiter: Limiter,
        access: AccessControl?
    ) {
        self.service = service
        self.httpCounters = httpCounters
        self.telemetry = telemetry
        self.accessLog = accessLog
        self.limiter = limiter
        self.access = access
    }

    package func report() async -> MetricsReport {
        MetricsReport(
            operations: self.service.counts, http: self.httpCounters.counts, health: await self.service.health(),
            telemetry: self.telemetry, accessLogDropped: self.accessLog?.dropped ?? 0, limiter: self.limiter,
            rememberedTokens: self.access?.rememberedTokenCount ?? 0, recentWrites: await self.service.recentWrites())
    }
}

extension TopologyRefresh.Trigger {
    /// As a label.
    fileprivate var name: String {
        switch self {
        case .moved: "moved"
        case .unknownAddress: "unknown_address"
        case .uncoveredSlot: "uncovered_slot"
        case .clusterDown: "cluster_down"
        case .recovery: "recovery"
        }
    }
}
