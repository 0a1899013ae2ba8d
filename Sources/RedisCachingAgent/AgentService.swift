import Cache
import CacheHTTP
import Logging
import MemoryStore
import NIOCore
import NIOPosix
import RedisClient
import ServiceLifecycle
import UnixSignals

/// The composition root: the one place that knows every module, and the order in which they start and stop.
struct AgentService: Sendable {
    let settings: AgentSettings

    /// Serves until SIGTERM or SIGINT.
    func run() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "redis-caching-agent")
        logger.logLevel = self.settings.logLevel
        let group = MultiThreadedEventLoopGroup(numberOfThreads: self.settings.eventLoops)
        do {
            try await self.serve(on: group, logger)
        } catch let error as IOError {
            try? await group.shutdownGracefully()
            throw StartFailure(message: "cannot listen on \(self.settings.host):\(self.settings.port): \(error.description)")
        }
        try await group.shutdownGracefully()
        logger.notice("stopped")
    }

    private func serve(on group: MultiThreadedEventLoopGroup, _ logger: Logger) async throws {
        let memory = MemoryStore(self.settings.memory)
        let redis = self.settings.redis.map { RedisParts(self.settings, $0, memory, on: group, logger) }
        var loops: [EventLoopParts] = []
        for eventLoop in group.makeIterator() {
            loops.append(try await self.parts(on: eventLoop, memory, redis, logger))
        }
        let service = CacheService(
            memory: memory,
            control: redis?.control,
            gate: redis?.gate,
            eventLoops: loops.map { ($0.eventLoop, $0.cache, $0.counters) },
            logger: logger
        )
        let server = CacheServer(service: service, scopes: EventLoopScopes(loops.map { ($0.eventLoop, $0.scope) }), settings: self.settings.http)
        let store = self.settings.redis.map { "Redis at \($0.endpoint)" } ?? "the embedded store"
        let application = server.application(
            host: self.settings.host, port: self.settings.port, eventLoopGroup: group, logger: Self.quiet(logger)
        ) { channel in
            let port = channel.localAddress?.port ?? 0
            logger.notice("serving on port \(port), from \(store)", metadata: ["environment": "\(self.settings.environment)"])
        }
        let stopClock = StopClock()
        var services: [any Service] = [MemoryMaintenance(store: memory)]
        if let tokens = redis?.tokens { services.append(tokens) }
        if let redis {
            let grace = TimeAmount.seconds(Int64(self.settings.shutdownGraceSeconds))
            services.append(RedisLifecycle(loops: loops, redis: redis, stopClock: stopClock, grace: grace, logger: logger))
            services.append(StartAfterRedis(service: application, gate: redis.gate))
        } else {
            services.append(application)
        }
        var configuration = ServiceGroupConfiguration(
            services: services + [stopClock],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(self.settings.shutdownGraceSeconds)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// The server's own lines about starting say less than ours.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }

    private func parts(
        on eventLoop: any EventLoop, _ memory: MemoryStore, _ redis: RedisParts?, _ logger: Logger
    ) async throws -> EventLoopParts {
        let http = self.settings.http
        return try await eventLoop.submit {
            let cache =
                if let redis {
                    EventLoopCache(memory: memory, redis: redis.connection(on: eventLoop, logger), gate: redis.gate)
                } else {
                    EventLoopCache(memory: memory)
                }
            return EventLoopParts(
                eventLoop: eventLoop,
                cache: NIOLoopBound(cache, eventLoop: eventLoop),
                scope: NIOLoopBound(EventLoopScope(cache: cache, settings: http), eventLoop: eventLoop),
                counters: cache.counters
            )
        }.get()
    }
}
