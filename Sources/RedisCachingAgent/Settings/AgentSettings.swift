import Cache
import CacheAPI
import Configuration
import HTTPWire
import Logging
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
    /// How to reach Redis; nil if only the embedded store is wanted.
    var redis: RedisConfiguration?
    /// How long a start waits for Redis before the embedded store serves.
    var redisStartupWait: Duration
    /// The metadata server, as `host` or `host:port`; nil for Google's.
    var metadataHost: String?
    /// Port of 127.0.0.1 that serves `/metrics` alone; nil for none.
    var metricsPort: Int?
    /// How the service registers itself; nil if it does not.
    var registration: RegistrationSettings?
    /// What happens while Redis is unavailable.
    var outage: OutageSettings
    /// Which reads are kept; nil if none are, or there is no Redis to read from.
    var near: NearCacheSettings?
    var memory: MemoryStoreConfiguration
    var http: HTTPSettings
    /// Who may use the service; nil if everybody may.
    var access: AccessSettings?
    var shutdownGraceSeconds: Int
    var eventLoops: Int
    /// How the kernel schedules the threads of the event loops.
    var eventLoopScheduling: EventLoopScheduling
    var log: LogSettings
    var environment: String
    /// What looks like a mistake but does not prevent a start.
    var warnings: [String] = []

    /// Reads the environment and the files that it names; blocks meanwhile.
    /// - Throws: `SettingFaults` with every error.
    static func load(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> AgentSettings {
        let sources = SettingSources(environment: environment)
        var settings = try AgentSettings(sources.config, faults: sources.faults)
        settings.warnings = sources.warnings
        return settings
    }

    /// - Parameter faults: the errors found so far.
    /// - Throws: `SettingFaults` with every error.
    init(_ config: ConfigReader, faults: SettingFaults = SettingFaults()) throws {
        var reader = SettingReader(config, faults: faults)
        self.host = reader.text(SettingCatalogue.host) ?? ""
        self.port = reader.integer(SettingCatalogue.port)
        self.http = HTTPSettings(&reader)
        self.access = AccessSettings(&reader)
        let metricsPort = reader.integer(SettingCatalogue.metricsPort)
        self.metricsPort = self.http.metrics && reader.raw(SettingCatalogue.metricsPort) != nil ? metricsPort : nil
        self.redis = RedisSettings.configuration(&reader, valueBytes: self.http.limits.maximumValueBytes)
        self.redisStartupWait = .seconds(reader.integer(SettingCatalogue.redisStartupWait))
        self.metadataHost = reader.text(SettingCatalogue.metadataHost)
        self.outage = OutageSettings(&reader)
        let storeBytes = reader.integer(SettingCatalogue.memoryBytes, default: MemoryStoreConfiguration.defaultStoreBytes)
        let near = NearCacheSettings(&reader, storeBytes: storeBytes)
        self.near = self.redis != nil && near.isEnabled ? near : nil
        self.memory = MemoryStoreConfiguration(
            &reader, bytes: storeBytes - (self.near?.maximumBytes ?? 0),
            largestEntryBytes: self.http.limits.maximumValueBytes + self.http.limits.maximumKeyBytes)
        self.shutdownGraceSeconds = reader.integer(SettingCatalogue.shutdownGrace)
        self.eventLoops = reader.integer(SettingCatalogue.eventLoops, default: System.coreCount)
        self.eventLoopScheduling = EventLoopScheduling(rawValue: reader.choice(SettingCatalogue.eventLoopScheduling)) ?? .standard
        self.log = LogSettings(&reader)
        self.registration = RegistrationSettings(&reader)
        self.environment = reader.text(SettingCatalogue.environment) ?? ""
        guard reader.faults.isEmpty else { throw reader.faults }
    }
}

/// What is logged, and how.
struct LogSettings: Sendable {
    enum Format: String {
        case auto, json, text
    }

    static let defaultLevel = Logger.Level.info
    static let defaultFormat = Format.auto

    var level: Logger.Level
    var format: Format
    /// Bytes of lines that may wait to be written.
    var bufferBytes: Int
    /// The Google Cloud project of the traces; nil if it is not set.
    var project: String?
    /// Whether the platform is Cloud Run, whose metadata server knows the project.
    var isCloudRun: Bool

    init(_ reader: inout SettingReader) {
        self.level = Logger.Level(rawValue: reader.choice(SettingCatalogue.logLevel)) ?? Self.defaultLevel
        self.format = Format(rawValue: reader.choice(SettingCatalogue.logFormat)) ?? Self.defaultFormat
        self.bufferBytes = reader.integer(SettingCatalogue.logBufferBytes)
        self.project = reader.text(SettingCatalogue.googleCloudProject)
        self.isCloudRun = reader.text(SettingCatalogue.cloudRunService) != nil
    }
}
