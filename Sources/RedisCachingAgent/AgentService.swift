import Access
import Cache
import CacheHTTP
import GoogleCloud
import Logging
import MemoryStore
import NIOCore
import NIOPosix
import OperatingSystem
import RedisClient
import ServiceLifecycle
import Telemetry
import UnixSignals

/// The composition root: the one place that knows every module, and the order in which they start and stop.
struct AgentService: Sendable {
    let settings: AgentSettings

    /// Serves until SIGTERM or SIGINT.
    func run() async throws {
        let metadata = MetadataServer(authority: self.settings.metadataHost)
        let telemetry = await AgentTelemetry.start(self.settings.log, metadata)
        do {
            try await self.run(telemetry, metadata)
        } catch {
            await telemetry.telemetry.logSink.close()
            throw error
        }
        telemetry.logger.notice("stopped")
        await telemetry.telemetry.logSink.close()
    }

    private func run(_ telemetry: AgentTelemetry, _ metadata: MetadataServer) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: self.settings.eventLoops)
        await self.schedule(group, telemetry.logger)
        do {
            // The event loops end with the process: the server's own task for its shutdown may outlive the server, and must find its loop.
            try await self.serve(on: group, telemetry, metadata)
        } catch let error as IOError {
            throw StartFailure(message: "cannot listen on \(self.settings.host):\(self.settings.port): \(error.description)")
        }
    }

    private func schedule(_ group: MultiThreadedEventLoopGroup, _ logger: Logger) async {
        let scheduling = self.settings.eventLoopScheduling
        var isApplied = true
        for eventLoop in group.makeIterator() where (try? await eventLoop.submit { scheduling.apply() }.get()) != true { isApplied = false }
        if !isApplied { logger.info("the kernel does not let the event loops be scheduled as \(scheduling.rawValue)") }
    }

    private func serve(on group: MultiThreadedEventLoopGroup, _ telemetry: AgentTelemetry, _ metadata: MetadataServer) async throws {
        let logger = telemetry.logger
        let memory = MemoryStore(self.settings.memory)
        let redis = self.settings.redis.map { RedisParts(self.settings, $0, memory, metadata, on: group, logger) }
        let accessLog = AccessLog(self.settings.http.accessLog, logger: logger)
        let limiter = Limiter(self.limits(logger))
        let access = self.settings.access.map { AccessParts($0, logger) }
        for warning in self.settings.warnings { logger.warning("\(warning)") }
        if access == nil { logger.warning("no API keys are configured: everybody who reaches the service may use it") }
        var loops: [EventLoopParts] = []
        for eventLoop in group.makeIterator() {
            loops.append(try await self.parts(on: eventLoop, memory, redis, accessLog, access?.control, limiter, logger))
            telemetry.telemetry.eventLoopDelay.watch(eventLoop)
        }
        let service = CacheService(
            memory: memory,
            redis: redis.map { ($0.control, $0.gate) },
            eventLoops: loops.map(\.store),
            isRecording: self.settings.http.metrics,
            logger: logger
        )
        let registration = self.settings.registration.map { settings in
            let lock = redis.map {
                RedisRegistrationLock(control: $0.control, key: "cacheagent:register:\(settings.name)", instance: $0.clientName)
            }
            return RegistrationParts(settings, metadata, lock: lock, logger) { await service.health().isDegraded }
        }
        let server = CacheServer(
            service: service, scopes: EventLoopScopes(loops.map { ($0.eventLoop, $0.scope, $0.httpCounters) }), settings: self.settings.http,
            telemetry: telemetry.telemetry, accessLog: accessLog, access: access?.control, limiter: limiter,
            registration: registration?.health)
        let store = self.settings.redis.map { "Redis at \($0.endpoint)" } ?? "the embedded store"
        let application = server.application(
            host: self.settings.host, port: self.settings.port, eventLoopGroup: group, logger: Self.quiet(logger)
        ) { channel in
            let port = channel.localAddress?.port ?? 0
            logger.notice("serving on port \(port), from \(store)", metadata: ["environment": "\(self.settings.environment)"])
        }
        let stopClock = StopClock()
        var services: [any Service] = [MemoryMaintenance(store: memory, limiter: limiter)] + server.services
        if let tokens = redis?.tokens { services.append(tokens) }
        if let access { services += access.services }
        if let registration { services.append(registration.registration) }
        if let port = self.settings.metricsPort {
            services.append(
                server.metricsApplication(port: port, eventLoopGroup: group, logger: Self.quiet(logger)) { channel in
                    logger.notice("metrics alone on port \(channel.localAddress?.port ?? 0) of the loopback")
                })
        }
        if let redis {
            let grace = TimeAmount.seconds(Int64(self.settings.shutdownGraceSeconds))
            services.append(RedisLifecycle(loops: loops, redis: redis, stopClock: stopClock, grace: grace, logger: logger))
            services.append(
                StartAfterRedis(service: application, gate: redis.gate, patience: self.settings.redisStartupWait, logger: logger))
        } else {
            services.append(application)
        }
        var configuration = ServiceGroupConfiguration(
            services: services + [stopClock],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        StopClock.bound(&configuration, graceSeconds: self.settings.shutdownGraceSeconds)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// The files that the process needs besides its clients' connections: listening, Redis, event loops, keys.
    private static let reservedFiles = 64

    /// The bounds, as far as the system lets the process have so many connections: the kernel's refusal would be no answer at all.
    private func limits(_ logger: Logger) -> ServiceLimits {
        var limits = self.settings.http.serviceLimits
        let possible = max(1, (OpenFileLimit.raise() ?? .max) - Self.reservedFiles - limits.maximumProbes)
        guard limits.maximumConnections > possible else { return limits }
        logger.warning(
            "the system allows fewer connections than CONNECTIONS_MAX", metadata: ["connections.max": .stringConvertible(possible)])
        limits.maximumConnections = possible
        return limits
    }

    /// The server's own lines about starting say less than ours.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }

    private func parts(
        on eventLoop: any EventLoop, _ memory: MemoryStore, _ redis: RedisParts?, _ accessLog: AccessLog?, _ access: AccessControl?,
        _ limiter: Limiter, _ logger: Logger
    ) async throws -> EventLoopParts {
        let http = self.settings.http
        let eventLoops = self.settings.eventLoops
        return try await eventLoop.submit {
            let counters = OperationCounters(isRecording: http.metrics)
            let store =
                if let redis {
                    EventLoopStore(
                        RedisStore(connection: redis.connection(on: eventLoop, logger), gate: redis.gate, eventLoopCount: eventLoops),
                        counters: counters, on: eventLoop)
                } else {
                    EventLoopStore(EmbeddedStore(memory), counters: counters, on: eventLoop)
                }
            let scope = EventLoopScope(
                cache: store.store.value, counters: counters, settings: http, accessLog: accessLog, access: access, limiter: limiter,
                eventLoopCount: eventLoops)
            return EventLoopParts(
                eventLoop: eventLoop,
                store: store,
                scope: NIOLoopBound(scope, eventLoop: eventLoop),
                httpCounters: scope.httpCounters
            )
        }.get()
    }
}
