import Cache
import CacheHTTP
import Configuration
import MemoryStore
import NIOCore
import OperatingSystem
import RedisClient

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The settings of the program, checked.
struct AgentSettings: Sendable {
    var host: String
    var port: Int
    /// Where Redis is; nil on the embedded store by choice.
    var redis: RedisConfiguration?
    /// How long a start waits for Redis before memory serves.
    var redisStartupWait: Duration
    /// Where to ask for tokens, as `host` or `host:port`; nil for the usual place.
    var metadataHost: String?
    /// Port of the loopback with `/metrics` alone; nil for none.
    var metricsPort: Int?
    /// Where the service registers itself; nil for nowhere.
    var registration: RegistrationSettings?
    /// What happens while Redis is away.
    var outage: OutageSettings
    var memory: MemoryStoreConfiguration
    var http: HTTPSettings
    /// Who may ask; nil where everybody may.
    var access: AccessSettings?
    var shutdownGraceSeconds: Int
    var eventLoops: Int
    /// How the kernel schedules the threads of the event loops.
    var eventLoopScheduling: EventLoopScheduling
    var log: LogSettings
    var environment: String
    /// What is odd about the settings, but no reason not to start.
    var warnings: [String] = []

    /// Reads the environment and the files that it names. Blocks while it reads.
    /// - Throws: `SettingFaults` with everything that is wrong.
    static func load(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> AgentSettings {
        let sources = SettingSources(environment: environment)
        var settings = try AgentSettings(sources.config, faults: sources.faults)
        settings.warnings = sources.warnings
        return settings
    }

    /// - Parameter faults: what is known to be wrong already.
    /// - Throws: `SettingFaults` with everything that is wrong.
    init(_ config: ConfigReader, faults: SettingFaults = SettingFaults()) throws {
        var reader = SettingReader(config, faults: faults)
        self.host = reader.text(SettingCatalogue.host) ?? ""
        self.port = reader.integer(SettingCatalogue.port)
        self.http = Self.http(&reader)
        self.access = AccessSettings(&reader)
        let metricsPort = reader.integer(SettingCatalogue.metricsPort)
        self.metricsPort = self.http.metrics && reader.raw(SettingCatalogue.metricsPort) != nil ? metricsPort : nil
        self.redis = RedisSettings.configuration(&reader, valueBytes: self.http.limits.maximumValueBytes)
        self.redisStartupWait = .seconds(reader.integer(SettingCatalogue.redisStartupWait))
        self.metadataHost = reader.text(SettingCatalogue.metadataHost)
        self.outage = OutageSettings(&reader)
        self.memory = Self.memory(&reader, largestEntryBytes: self.http.limits.maximumValueBytes + self.http.limits.maximumKeyBytes)
        self.shutdownGraceSeconds = reader.integer(SettingCatalogue.shutdownGrace)
        self.eventLoops = reader.integer(SettingCatalogue.eventLoops, default: System.coreCount)
        self.eventLoopScheduling = EventLoopScheduling(rawValue: reader.choice(SettingCatalogue.eventLoopScheduling)) ?? .batch
        self.log = LogSettings(&reader)
        self.registration = RegistrationSettings(&reader)
        self.environment = reader.text(SettingCatalogue.environment) ?? ""
        guard reader.faults.isEmpty else { throw reader.faults }
    }

    /// - Parameter largestEntryBytes: what one shard should be able to hold, as far as the bound allows: what it cannot is answered with 507.
    private static func memory(_ reader: inout SettingReader, largestEntryBytes: Int) -> MemoryStoreConfiguration {
        let bytes = reader.integer(SettingCatalogue.memoryBytes, default: self.defaultStoreBytes)
        let shards = reader.integer(SettingCatalogue.memoryShards)
        guard shards.nonzeroBitCount == 1 else {
            reader.add(SettingCatalogue.memoryShards, "\(shards) is not a power of two")
            return MemoryStoreConfiguration(maximumBytes: bytes)
        }
        // An entry may take a quarter of a shard.
        let fitting = max(1, bytes / (4 * (largestEntryBytes + 1024)))
        return MemoryStoreConfiguration(maximumBytes: bytes, shardCount: min(shards, 1 << (Int.bitWidth - 1 - fitting.leadingZeroBitCount)))
    }

    /// A quarter of the container's memory, from 1 to 512 MiB: the rest is for connections, code and the peaks of the allocator.
    private static var defaultStoreBytes: Int { min(512 * 1024 * 1024, max(1024 * 1024, ContainerMemory.limitBytes / 4)) }

    private static func cors(_ reader: inout SettingReader) -> CORSPolicy? {
        guard let text = reader.text(SettingCatalogue.corsOrigins) else { return nil }
        guard let policy = CORSPolicy(text) else {
            reader.add(SettingCatalogue.corsOrigins, "not origins as https://app.example.com or https://*.example.com, separated by commas")
            return nil
        }
        return policy
    }

    private static func http(_ reader: inout SettingReader) -> HTTPSettings {
        var http = HTTPSettings()
        http.limits = RequestLimits(
            maximumKeyBytes: reader.integer(SettingCatalogue.keyBytes),
            maximumValueBytes: reader.integer(SettingCatalogue.valueBytes),
            maximumTTLSeconds: Int64(reader.integer(SettingCatalogue.ttlSeconds)),
            maximumJSONDepth: reader.integer(SettingCatalogue.jsonDepth)
        )
        http.maximumHeadBytes = reader.integer(SettingCatalogue.headBytes)
        http.maximumPipelinedBytes = reader.integer(SettingCatalogue.pipelineBytes)
        http.idleTimeout = .seconds(Int64(reader.integer(SettingCatalogue.idleTimeout)))
        http.requestTimeout = .seconds(Int64(reader.integer(SettingCatalogue.requestTimeout)))
        http.maximumUnsentBytes = reader.integer(SettingCatalogue.unsentBytes)
        http.lingerTimeout = .milliseconds(Int64(reader.integer(SettingCatalogue.lingerTimeout)))
        http.drainTimeout = .milliseconds(Int64(reader.integer(SettingCatalogue.lastRequest)))
        http.lastAnswerTimeout = .milliseconds(Int64(reader.integer(SettingCatalogue.lastAnswer)))
        http.fastLane = reader.choice(SettingCatalogue.fastLane) == "on"
        http.serviceLimits.maximumConnections = reader.integer(SettingCatalogue.maximumConnections)
        http.serviceLimits.maximumConnectionsPerPeer = reader.integer(SettingCatalogue.maximumConnectionsPerPeer)
        http.serviceLimits.maximumRequestsInFlight = reader.integer(SettingCatalogue.requestsInFlight)
        http.serviceLimits.maximumProbes = reader.integer(SettingCatalogue.maximumProbes)
        http.serviceLimits.maximumUnsentBytes = reader.integer(SettingCatalogue.totalUnsentBytes)
        http.serviceLimits.maximumReceivedBytes = reader.integer(SettingCatalogue.totalReceivedBytes)
        http.serviceLimits.maximumInvalidations = reader.integer(SettingCatalogue.maximumInvalidations)
        http.serviceLimits.maximumHeaderFields = reader.integer(SettingCatalogue.headerFields)
        http.serviceLimits.maximumTargetBytes = reader.integer(SettingCatalogue.targetBytes)
        http.cors = Self.cors(&reader)
        http.metricsAreOpen = reader.choice(SettingCatalogue.metricsAccess) == "open"
        http.documentationDirectory = reader.text(SettingCatalogue.documentationDirectory)
        http.metrics = reader.choice(SettingCatalogue.metrics) == "on"
        http.accessLog.mode = AccessLogSettings.Mode(rawValue: reader.choice(SettingCatalogue.accessLog)) ?? .slowAndErrors
        http.accessLog.sampleInterval = reader.integer(SettingCatalogue.accessLogSample)
        http.accessLog.slowNanoseconds = reader.integer(SettingCatalogue.accessLogSlow) * 1_000_000
        http.accessLog.maximumLinesPerSecond = reader.integer(SettingCatalogue.accessLogLines)
        return http
    }
}
