import CacheHTTP
import HTTPWire
import Logging
import NIOCore
import OperatingSystem
import RedisClient
import ServiceLifecycle

/// The HTTP side of the process: what limits it, what logs it, and the services that listen.
struct HTTPAssembly: Sendable {
    /// The files that the process needs besides its clients' connections: listening, Redis, event loops, keys.
    private static let reservedFiles = 64

    let limiter: Limiter
    /// nil if no response is logged.
    let accessLog: AccessLog?
    let settings: AgentSettings
    private let logger: Logger

    init(_ settings: AgentSettings, _ logger: Logger) {
        self.settings = settings
        self.logger = logger
        self.limiter = Limiter(Self.limits(settings.http.serviceLimits, logger))
        self.accessLog = AccessLog(settings.http.accessLog, logger: logger)
    }

    /// The limits, lowered to the connections that the system allows: a client must get an answer, not the kernel's refusal.
    private static func limits(_ configured: ServiceLimits, _ logger: Logger) -> ServiceLimits {
        var limits = configured
        let possible = max(1, (OpenFileLimit.raise() ?? .max) - self.reservedFiles - limits.maximumProbes)
        guard limits.maximumConnections > possible else { return limits }
        logger.warning(
            "the system allows fewer connections than CONNECTIONS_MAX", metadata: ["connections.max": .stringConvertible(possible)])
        limits.maximumConnections = possible
        return limits
    }

    /// The service for clients.
    func application(_ server: CacheServer, on group: any EventLoopGroup) -> any Service {
        let store = self.settings.redis.map { "Redis at \($0.endpoint)" } ?? "the embedded store"
        let environment = self.settings.environment
        let logger = self.logger
        return server.application(
            host: self.settings.host, port: self.settings.port, eventLoopGroup: group, logger: self.quietLogger
        ) { channel in
            logger.notice("serving on port \(channel.localAddress?.port ?? 0), from \(store)", metadata: ["environment": "\(environment)"])
        }
    }

    /// The service for a metrics collector on the same host; nil without `METRICS_PORT`.
    func metricsApplication(_ server: CacheServer, on group: any EventLoopGroup) -> (any Service)? {
        guard let port = self.settings.metricsPort else { return nil }
        let logger = self.logger
        return server.metricsApplication(port: port, eventLoopGroup: group, logger: self.quietLogger) { channel in
            logger.notice("serving /metrics alone on port \(channel.localAddress?.port ?? 0) of 127.0.0.1")
        }
    }

    /// The server's own lines about its start say less than ours.
    private var quietLogger: Logger {
        var logger = self.logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
