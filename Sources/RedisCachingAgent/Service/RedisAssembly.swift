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
    private let directory: ShardDirectory
    let gate: OutageGate
    /// Copies of reads; nil if none are kept.
    let near: NearCache?
    /// The access token, if it is the password.
    private let tokens: AccessTokenSource?
    private let group: any EventLoopGroup
    private let eventLoopCount: Int
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
        self.group = group
        // One more for the slots that no node serves.
        let maximumShards = configuration.clusterMode == .off ? 1 : configuration.maximumShards + 1
        let slots = SlotTable()
        self.near = settings.near.map {
            NearCache($0, eventLoops: settings.eventLoops, maximumShards: maximumShards, slots: slots) { JSONText.isKeepable($0) }
        }
        self.gate = OutageGate(
            memory: memory, near: self.near, settings: settings.outage, table: slots, maximumShards: maximumShards, logger: logger)
        self.directory = ShardDirectory(gate: self.gate, seeds: configuration.seeds, mode: configuration.clusterMode)
        self.eventLoopCount = settings.eventLoops
        self.startupWait = settings.redisStartupWait
        self.grace = .seconds(Int64(settings.shutdownGraceSeconds))
        self.logger = logger
    }

    /// What concerns more than the event loop that asks.
    var control: ClusterControl { ClusterControl(self.directory) }

    /// The store of one event loop, still without a shard.
    func store(on eventLoop: any EventLoop) -> ClusterStore {
        ClusterStore(
            gate: self.gate, slots: self.gate.table, directory: self.directory, commandDeadline: self.configuration.commandDeadline, on: eventLoop)
    }

    /// What lets one of several instances register the service under `name`.
    func registrationLock(_ name: String) -> RedisRegistrationLock {
        RedisRegistrationLock(control: self.control, key: "cacheagent:register:\(name)", instance: self.clientName)
    }

    /// What keeps the password valid.
    var credentialServices: [any Service] { self.tokens.map { [$0] } ?? [] }

    /// `application`, which starts once Redis has been tried, and the connections, which outlive it.
    func services(around application: any Service, _ loops: [EventLoopResources], _ stopClock: StopClock) -> [any Service] {
        let connector = RedisShardConnector(
            gate: self.gate, configuration: self.configuration, tokens: self.tokens, group: self.group,
            stores: loops.compactMap { loop in loop.store.redis.map { (loop.eventLoop, $0) } }, logger: self.logger)
        let watch = TopologyWatch(self.directory, connector, clientName: self.clientName)
        return [
            RedisLifecycle(
                gate: self.gate, directory: self.directory, watch: watch, connector: connector, loops: loops, stopClock: stopClock,
                grace: self.grace, logger: self.logger),
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
