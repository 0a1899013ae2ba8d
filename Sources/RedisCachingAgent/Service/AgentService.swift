import Cache
import CacheHTTP
import GoogleCloud
import HTTPWire
import Logging
import MemoryStore
import NIOCore
import NIOPosix
import ServiceLifecycle
import Telemetry
import UnixSignals

/// The composition root: which parts the program has, and the order in which they start. They stop in the reverse order.
struct AgentService: Sendable {
    let settings: AgentSettings

    /// Serves until SIGTERM or SIGINT.
    func run() async throws {
        let metadata = MetadataServer(authority: self.settings.metadataHost)
        let telemetry = await AgentTelemetry.start(self.settings.log, metadata)
        do {
            try await self.serve(telemetry, metadata)
        } catch {
            await telemetry.telemetry.logSink.close()
            throw error
        }
        telemetry.logger.notice("stopped")
        await telemetry.telemetry.logSink.close()
    }

    private func serve(_ telemetry: AgentTelemetry, _ metadata: MetadataServer) async throws {
        // The event loops end with the process: the server's own shutdown task may outlive the server, and needs its loop.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: self.settings.eventLoops)
        await self.settings.eventLoopScheduling.apply(to: group, telemetry.logger)
        let stopClock = StopClock()
        do {
            let services = try await self.services(on: group, telemetry, metadata, stopClock)
            // Last, so that it is the first to hear of the stop.
            var configuration = ServiceGroupConfiguration(
                services: services + [stopClock], gracefulShutdownSignals: [.sigterm, .sigint], logger: telemetry.logger)
            StopClock.bound(&configuration, graceSeconds: self.settings.shutdownGraceSeconds)
            try await ServiceGroup(configuration: configuration).run()
        } catch let error as IOError {
            throw StartFailure(message: "cannot listen on \(self.settings.host):\(self.settings.port): \(error.description)")
        }
    }

    private func services(
        on group: MultiThreadedEventLoopGroup, _ telemetry: AgentTelemetry, _ metadata: MetadataServer, _ stopClock: StopClock
    ) async throws -> [any Service] {
        let logger = telemetry.logger
        let memory = MemoryStore(self.settings.memory)
        let redis = self.settings.redis.map { RedisAssembly(self.settings, $0, memory, metadata, on: group, logger) }
        let http = HTTPAssembly(self.settings, logger)
        let access = self.settings.access.map { AccessAssembly($0, logger) }
        for warning in self.settings.warnings { logger.warning("\(warning)") }
        if access == nil { logger.warning("no API keys are configured: everybody who reaches the service may use it") }
        let loops = try await EventLoopAssembly(memory: memory, redis: redis, http: http, access: access?.control, logger: logger)
            .resources(on: group, telemetry.telemetry.eventLoopDelay)
        let cache = CacheService(
            memory: memory, redis: redis.map { ($0.control, $0.gate) }, eventLoops: loops.map(\.store),
            isRecording: self.settings.http.metrics, logger: logger)
        let registration = self.settings.registration.map { settings in
            RegistrationAssembly(settings, metadata, lock: redis?.registrationLock(settings.name), logger) { await cache.health().isDegraded }
        }
        let server = CacheServer(
            service: cache, scopes: EventLoopScopes(loops.map { ($0.eventLoop, $0.scope, $0.httpCounters) }), settings: self.settings.http,
            telemetry: telemetry.telemetry, accessLog: http.accessLog, access: access?.control, limiter: http.limiter,
            registration: registration?.health)
        let application = http.application(server, on: group)

        let stores = [memory, redis?.near?.memory].compactMap { $0 }
        var services: [any Service] = [MemoryMaintenance(stores: stores, limiter: http.limiter)] + server.services
        services += redis?.credentialServices ?? []
        services += access?.services ?? []
        services += registration.map { [$0.registration] } ?? []
        services += http.metricsApplication(server, on: group).map { [$0] } ?? []
        services += redis?.services(around: application, loops, stopClock) ?? [application]
        return services + [WaitsEnd(cache: cache)]
    }
}

/// Has whoever waits for a value that another client computes hear of the stop before the server waits for its last answers: such a wait may take longer
/// than the stop.
private struct WaitsEnd: Service {
    let cache: CacheService

    func run() async throws {
        try? await gracefulShutdown()
        self.cache.endWaits()
    }
}

/// Why the service could not start, in words for the operator.
struct StartFailure: Error {
    let message: String
}
