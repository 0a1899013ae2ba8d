import Cache
import GoogleCloud
import Logging
import MemoryStore
import NIOCore
import RedisClient

/// What the whole process shares of Redis.
struct RedisParts: Sendable {
    /// With a client name that no other process has, so that Redis can be told to end our connections and no others.
    let configuration: RedisConfiguration
    let clientName: String
    let control: RedisControl
    /// The access token, where it is the password.
    let tokens: AccessTokenSource?
    let gate: OutageGate

    init(
        _ settings: AgentSettings, _ configuration: RedisConfiguration, _ memory: MemoryStore, _ metadata: MetadataServer,
        on group: any EventLoopGroup, _ logger: Logger
    ) {
        var configuration = configuration
        self.tokens = configuration.hasPasswordProvider ? AccessTokenSource(logger: logger) { try await metadata.accessToken() } : nil
        self.clientName = "redis-caching-agent-" + String(UInt64.random(in: 0 ... .max), radix: 36)
        configuration.clientName = self.clientName
        self.configuration = configuration
        self.control = RedisControl(eventLoop: group.next(), configuration: configuration, passwordProvider: self.tokens, logger: logger)
        self.gate = OutageGate(memory: memory, settings: settings.outage, logger: logger)
    }

    func connection(on eventLoop: any EventLoop, _ logger: Logger) -> RedisConnection {
        RedisConnection(eventLoop: eventLoop, configuration: self.configuration, passwordProvider: self.tokens, logger: logger)
    }
}
