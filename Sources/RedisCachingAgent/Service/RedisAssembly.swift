import Cache
import CacheAPI
import GoogleCloud
import Logging
import MemoryStore
import NIOCore
import RedisClient
import ServiceLifecycle

/// What the event loops share of Redis: the configuration, the connection for long calls, the outage gate.
struct RedisAssembly: Sendable {
    /// Its client name belongs to this process alone, so that Redis can be made to close our connections and no others.
    private let configuration: RedisConfiguration
    private let clientName: String
    let control: RedisControl
    let gate: OutageGate
    /// Who serves which keys.
    private let slots = SlotTable()
    /// Copies of reads; nil if none are kept.
    let near: NearCache?
    /// The access token, if it is the password.
    private let tokens: AccessTokenSource?
    private let startupWait: Duration
    private let grace: TimeAmount
    private let logger: Logger

    init(
        _ settings: AgentSettings, _ configuration: RedisConfiguration, _ memory: MemoryStore, _ metadata: MetadataServer,
        on group: any EventLoopGroup, _ logger: Logger
    ) {
        var configuration = configuration
        self.tokens = configuration.hasPasswordProvider ? AccessTokenSource(logger: logger) { try await metadata.accessToken() } : nil
        self.clientName = "redis-caching-agent-" + String(UInt64.random(in: 0 ... .max), radix: 36)
        configuration.clientName = self.clientName
        configuration.tracksReads = settings.near?.mode == .auto
        self.configuration = configuration
        self.control = RedisControl(eventLoop: group.next(), configuration: configuration, passwordProvider: self.tokens, logger: logger)
        self.near = settings.near.map { [slots] in NearCache($0, eventLoops: settings.eventLoops, slots: slots) { JSONText.isJSON($0) } }
        self.gate = OutageGate(memory: memory, near: self.near, settings: settings.outage, logger: logger)
        self.startupWait = settings.redisStartupWait
        self.grace = .seconds(Int64(settings.shutdownGraceSeconds))
        self.logger = logger
    }

    /// The store of one event loop, with its connection. To be called on the event loop.
    func store(on eventLoop: any EventLoop, _ index: Int, eventLoopCount: Int) -> ClusterStore {
        let store = ClusterStore(gate: self.gate, slots: self.slots, on: eventLoop)
        let connection = RedisConnection(
            eventLoop: eventLoop, configuration: self.configuration, passwordProvider: self.tokens, logger: self.logger)
        store.add(
            RedisStore(
                connection: connection, gate: self.gate, shard: 0, slots: self.slots, eventLoop: index, eventLoopCount: eventLoopCount,
                probePrefix: "\(self.clientName):probe", nearCounters: store.nearCounters))
        return store
    }

    /// What lets one of several instances register the service under `name`.
    func registrationLock(_ name: String) -> RedisRegistrationLock {
        RedisRegistrationLock(control: self.control, key: "cacheagent:register:\(name)", instance: self.clientName)
    }

    /// What keeps the password valid.
    var credentialServices: [any Service] { self.tokens.map { [$0] } ?? [] }

    /// `application`, which starts once Redis has been tried, and the connections, which outlive it.
    func services(around application: any Service, _ loops: [EventLoopResources], _ stopClock: StopClock) -> [any Service] {
        let recovery = OutageRecovery(
            gate: self.gate, control: self.control,
            eventLoops: loops.compactMap { loop in loop.store.redis.map { (loop.eventLoop, $0) } }, clientName: self.clientName)
        return [
            RedisLifecycle(
                gate: self.gate, control: self.control, recovery: recovery, loops: loops, stopClock: stopClock, grace: self.grace,
                logger: self.logger),
            StartAfterRedis(service: application, gate: self.gate, patience: self.startupWait, logger: self.logger),
        ]
    }
}

extension AccessTokenSource: RedisPasswordProvider {
    func password() async throws -> RedisPassword {
        do {
            return RedisPassword(try await self.token().secret)
        } catch {
            throw RedisFailure(.authenticationFailed, "there is no access token from the metadata server")
        }
    }
}
