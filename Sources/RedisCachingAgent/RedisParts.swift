import Cache
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
    let gate: OutageGate

    init(_ configuration: RedisConfiguration, _ outage: OutageSettings, _ memory: MemoryStore, on group: any EventLoopGroup, _ logger: Logger) {
        var configuration = configuration
        self.clientName = "redis-caching-agent-" + String(UInt64.random(in: 0 ... .max), radix: 36)
        configuration.clientName = self.clientName
        self.configuration = configuration
        self.control = RedisControl(eventLoop: group.next(), configuration: configuration, logger: logger)
        self.gate = OutageGate(memory: memory, settings: outage, logger: logger)
    }
}
