import CoreMetrics
package import Logging
package import MemoryStore
package import NIOCore
package import RedisClient

/// The cache for the control plane: what may take its time, callable from any task.
package struct CacheService: Sendable {
    private let eventLoops: [EventLoopCacheHandle]
    private let embedded: EmbeddedCache
    private let control: RedisControl?
    private let gate: OutageGate?
    private let started = NIODeadline.now()
    private let logger: Logger
    private let invalidatedKeys = Counter(label: "cacheagent_cache_invalidated_keys_total")

    /// The counters of what the router answers.
    package let routerCounters: OperationCounters

    /// - Parameters:
    ///   - control: the connection for long calls; nil on the embedded store by choice.
    ///   - gate: where there is a `control`.
    ///   - eventLoops: every event loop's cache.
    ///   - isRecording: whether operations are counted.
    package init(
        memory: MemoryStore,
        control: RedisControl?,
        gate: OutageGate?,
        eventLoops: [EventLoopCacheHandle],
        isRecording: Bool,
        logger: Logger
    ) {
        self.embedded = EmbeddedCache(store: memory)
        self.control = control
        self.gate = gate
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

    /// Reads a key, through the connection of `eventLoop` where Redis is configured.
    package func get(_ key: ByteBuffer, on eventLoop: any EventLoop) async -> CacheAnswer {
        guard self.control != nil else { return self.embedded.get(key, source: .memory) }
        return await self.ask(eventLoop) { $0.get(key, now: $1, token: 0, receiver: $2) }
    }

    /// Stores a value.
    package func set(_ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, on eventLoop: any EventLoop) async -> CacheAnswer {
        guard self.control != nil else { return self.embedded.set(key, value: value, ttlSeconds: ttlSeconds, source: .memory) }
        return await self.ask(eventLoop) { $0.set(key, value: value, ttlSeconds: ttlSeconds, now: $1, token: 0, receiver: $2) }
    }

    /// Deletes a key.
    package func delete(_ key: ByteBuffer, on eventLoop: any EventLoop) async -> CacheAnswer {
        guard self.control != nil else { return self.embedded.delete(key, source: .memory) }
        return await self.ask(eventLoop) { $0.delete(key, now: $1, token: 0, receiver: $2) }
    }

    private func ask(
        _ eventLoop: any EventLoop,
        _ operation: @escaping @Sendable (EventLoopCache, Int, any CacheAnswerReceiver) -> CacheAnswer?
    ) async -> CacheAnswer {
        let cache = self.cache(of: eventLoop)
        return await withCheckedContinuation { continuation in
            eventLoop.execute {
                let receiver = ContinuationReceiver(continuation)
                if let answer = operation(cache.value, Int(NIODeadline.now().uptimeNanoseconds), receiver) {
                    receiver.cacheAnswered(answer, token: 0)
                }
            }
        }
    }

    private func cache(of eventLoop: any EventLoop) -> NIOLoopBound<EventLoopCache> {
        for entry in self.eventLoops where entry.eventLoop === eventLoop { return entry.cache }
        preconditionFailure("a connection runs on an event loop that has no cache")
    }

    // MARK: Everything

    /// Deletes every key that matches `pattern`, which is in Redis's glob dialect.
    ///
    /// - Parameter isDryRun: the keys are only counted.
    package func invalidate(_ pattern: ByteBuffer, isDryRun: Bool = false, on eventLoop: any EventLoop) async -> InvalidationOutcome {
        let bytes = pattern.bytes
        let glob = GlobPattern(bytes)
        guard !isDryRun else { return await self.count(bytes, glob) }
        let outcome = await self.invalidate(bytes, glob, eventLoop)
        switch outcome {
        case .invalidated(let count, _), .queued(let count): self.invalidatedKeys.increment(by: count)
        case .unknown, .incomplete: break
        }
        return outcome
    }

    private func invalidate(_ pattern: [UInt8], _ glob: GlobPattern, _ eventLoop: any EventLoop) async -> InvalidationOutcome {
        guard let control = self.control, let gate = self.gate else {
            return .invalidated(await self.embedded.walk(.remove) { glob.matches($0) }, .memory)
        }
        return await self.invalidate(pattern, glob, control, gate, eventLoop)
    }

    private func invalidate(
        _ pattern: [UInt8], _ glob: GlobPattern, _ control: RedisControl, _ gate: OutageGate, _ eventLoop: any EventLoop
    ) async -> InvalidationOutcome {
        // The journal first: from then on no value of a matching key is written to Redis. Memory next: it may answer until Redis is told.
        let isRemembered = await gate.invalidate(pattern) { glob.matches($0) }
        let embeddedCount = await self.embedded.walk(.remove) { glob.matches($0) }
        guard !isRemembered else { return .queued(keysInMemory: embeddedCount) }
        do throws(RedisFailure) {
            // A walk may take long, but whether it can begin is known within the deadline of any command.
            try await self.signOfLife(eventLoop)
            let deletion = try await control.invalidate(pattern: pattern)
            gate.invalidated(pattern)
            guard deletion.refused == 0 else {
                self.logger.warning(
                    "Redis did not let the service delete some keys of an invalidation",
                    metadata: ["redis.removed": .stringConvertible(deletion.removed), "redis.refused": .stringConvertible(deletion.refused)])
                return .incomplete
            }
            return .invalidated(deletion.removed, .redis)
        } catch {
            guard !Self.concernsTheCallAlone(error) else {
                self.logger.warning("invalidation stopped", metadata: ["redis.failure": "\(error)"])
                return .incomplete
            }
            gate.invalidateInstead(pattern, .failure(error))
            return .queued(keysInMemory: embeddedCount)
        }
    }

    /// An error as an answer, such as a missing permission to scan, says nothing of other calls.
    private static func concernsTheCallAlone(_ failure: RedisFailure) -> Bool {
        failure.serverErrorPrefix != nil || failure.code == .cancelled || failure.code == .unexpectedReply
    }

    private func signOfLife(_ eventLoop: any EventLoop) async throws(RedisFailure) {
        let cache = self.cache(of: eventLoop)
        do {
            try await eventLoop.flatSubmit { cache.value.signOfLife() }.get()
        } catch {
            throw error as? RedisFailure ?? .notConnected
        }
    }

    private func count(_ pattern: [UInt8], _ glob: GlobPattern) async -> InvalidationOutcome {
        guard let control = self.control, let gate = self.gate else {
            return .invalidated(await self.embedded.walk(.count) { glob.matches($0) }, .memory)
        }
        guard gate.isRedisAsked else { return .unknown }
        do throws(RedisFailure) {
            return .invalidated(try await control.countKeys(matching: pattern), .redis)
        } catch {
            return Self.concernsTheCallAlone(error) ? .incomplete : .unknown
        }
    }

    /// The figures of `GET /cache/stats`: Redis's where it answers, else the embedded store's.
    ///
    /// - Parameter connectedClients: what the embedded store answers for that.
    package func statistics(connectedClients: Int) async -> CacheStatistics {
        guard let control = self.control else { return self.embeddedStatistics(.memory, connectedClients) }
        // A Redis that is known to be away is not waited for.
        guard self.gate?.isRedisAsked == true else { return self.embeddedStatistics(.outage, connectedClients) }
        do {
            let information = try await control.information()
            return CacheStatistics(
                totalKeys: Int(information.keyCount ?? 0),
                memoryUsage: information.usedMemoryHuman ?? "0B",
                connectedClients: Int(information.connectedClients ?? 0),
                uptimeSeconds: Int(information.uptimeSeconds ?? 0),
                totalCommandsProcessed: Int(information.totalCommandsProcessed ?? 0),
                keyspaceHits: Int(information.keyspaceHits ?? 0),
                keyspaceMisses: Int(information.keyspaceMisses ?? 0),
                source: .redis
            )
        } catch {
            return self.embeddedStatistics(.outage, connectedClients)
        }
    }

    private func embeddedStatistics(_ source: CacheSource, _ connectedClients: Int) -> CacheStatistics {
        let memory = self.embedded.store.statistics(now: .now)
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

    private var redisCounts: RedisCounts? {
        guard self.control != nil else { return nil }
        var counts = RedisCounts()
        for eventLoop in self.eventLoops {
            if let counters = eventLoop.redisCounters { counts.add(counters.snapshot) }
        }
        return counts
    }

    /// The keys written lately, over all event loops: each is asked, as no other thread may look at its own.
    package func recentWrites() async -> RecentWritesReport {
        var report = RecentWritesReport()
        for entry in self.eventLoops {
            let cache = entry.cache
            // It fails only where the event loop has ended.
            if let other = try? await entry.eventLoop.submit({ cache.value.recentWritesReport }).get() { report.add(other) }
        }
        return report
    }

    /// How the cache is. Asks no server.
    package func health() async -> CacheHealth {
        self.health(refusedCommands: await self.control?.refusedOptionalCommands ?? [])
    }

    /// The same without `refusedCommands`, for whoever must not wait for an event loop.
    package var currentHealth: CacheHealth { self.health(refusedCommands: []) }

    private func health(refusedCommands: [String]) -> CacheHealth {
        CacheHealth(
            outage: self.gate?.report,
            outageSettings: self.gate?.settings,
            redis: self.redisCounts,
            refusedCommands: refusedCommands,
            uptimeSeconds: self.uptimeSeconds,
            memory: self.embedded.store.statistics(now: .now),
            now: .now
        )
    }

    /// Whether Redis is configured and there.
    package var isRedisAsked: Bool { self.gate?.isRedisAsked ?? false }

    /// What Redis says of itself, within the deadline of the control connection; nil if none is configured, or it is away or does not say.
    package func redisInformation() async -> RedisInformation? {
        guard let control = self.control, self.isRedisAsked else { return nil }
        return try? await control.information()
    }
}
