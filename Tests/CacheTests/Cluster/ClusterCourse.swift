import CacheTestSupport
import MemoryStore
import NIOCore
import NIOEmbedded
import RESP
import RedisClient
import Synchronization

@testable import Cache

/// The stores of one event loop for a cluster of three nodes, over connections that do as the test says. Node N is at 10.0.0.N and serves shard N; all
/// slots are shard 0's at first.
struct ClusterCourse {
    let loop = EmbeddedEventLoop()
    let slots = SlotTable()
    let directory: FakeDirectory
    let gate: OutageGate
    let near: NearCache?
    let front: ClusterStore
    let connections: [FakeRedisConnection]
    let receiver = RecordingAnswers()

    /// - Parameter shards: those to which the event loop has a connection.
    init(shards: [Int] = [0, 1, 2], keepsCopies: Bool = false, outage: (inout OutageSettings) -> Void = { _ in }) {
        self.slots.isCluster = true
        var settings = NearCacheSettings()
        settings.maximumBytes = 1 << 22
        self.near = keepsCopies ? NearCache(settings, eventLoops: 1, maximumShards: 3, slots: self.slots) { _ in true } : nil
        var outageSettings = OutageSettings()
        outage(&outageSettings)
        let memory = MemoryStore(MemoryStoreConfiguration(maximumBytes: 1 << 22))
        self.gate = OutageGate(
            memory: memory, near: self.near, settings: outageSettings, table: self.slots, maximumShards: 3, logger: RecordedLog().logger)
        for _ in 1..<3 { _ = self.gate.addShard() }
        self.directory = FakeDirectory(self.gate)
        self.front = ClusterStore(gate: self.gate, slots: self.slots, directory: self.directory, on: self.loop)
        let loop = self.loop
        self.connections = (0..<3).map { _ in FakeRedisConnection(eventLoop: loop) }
        for shard in shards {
            self.connections[shard].isTracking = keepsCopies
            self.front.add(
                RedisStore(
                    connection: self.connections[shard], gate: self.gate, shard: shard, slots: self.slots, probePrefix: "probe",
                    nearCounters: self.front.nearCounters))
            self.connections[shard].becomeReady()
        }
        for shard in 1..<3 { self.gate.activate(shard) }
        self.gate.openForTest()
    }

    var now: Int { Int(self.loop.now.uptimeNanoseconds) }

    func slot(_ key: String) -> UInt16 { self.slots.slot(of: ByteBuffer(string: key)) }

    func get(_ key: String = "k", acceptsCopy: Bool = true, token: UInt64 = 1) -> String? {
        self.front.get(ByteBuffer(string: key), acceptsCopy: acceptsCopy, now: self.now, token: token, receiver: self.receiver)?.text
    }

    func set(_ key: String = "k", _ value: String = "v", ttlSeconds: Int64? = nil, token: UInt64 = 2) -> String? {
        self.front.set(
            ByteBuffer(string: key), value: ByteBuffer(string: value), ttlSeconds: ttlSeconds, now: self.now, token: token, receiver: self.receiver
        )?.text
    }

    func delete(_ key: String = "k", token: UInt64 = 3) -> String? {
        self.front.delete(ByteBuffer(string: key), now: self.now, token: token, receiver: self.receiver)?.text
    }

    /// The reply by which a node sends elsewhere.
    func redirect(_ kind: String, _ node: Int, slot: UInt16? = nil) -> Result<RESPValue, RedisFailure> {
        .refusal("\(kind) \(slot ?? self.slot("k")) 10.0.0.\(node):6379")
    }

    /// A node answers a read.
    func answer(_ node: Int, _ value: String?, milliseconds: Int64 = -1) {
        self.connections[node].reply(value.map { .bulkString(ByteBuffer(string: $0)) } ?? .null)
        self.connections[node].reply(.integer(value == nil ? -2 : milliseconds))
    }

    func redirects(_ event: RedirectCounters.Event) -> Int { self.front.redirectCounters.snapshot.count(event) }
}

extension Result where Success == RESPValue, Failure == RedisFailure {
    static func refusal(_ text: String) -> Self { .failure(.serverError(ByteBuffer(string: text))) }
}

/// Knows the nodes of `ClusterCourse`, and remembers what it was told.
final class FakeDirectory: ClusterDirectory {
    private let gate: OutageGate
    private let told = Mutex<[String]>([])

    init(_ gate: OutageGate) { self.gate = gate }

    /// `moved 7 to 1`, `unknown 10.0.0.9`, `uncovered 7`, `down 0`.
    var calls: [String] { self.told.withLock { $0 } }

    func shard(at address: ClusterAddress, asked: Int) -> Int? {
        guard let host = address.host else { return asked }
        return (0..<3).first { host == "10.0.0.\($0)" }
    }

    func moved(_ slot: UInt16, to shard: Int) {
        self.gate.move(CollectionOfOne(slot), to: shard)
        self.note("moved \(slot) to \(shard)")
    }

    func unknown(_ address: ClusterAddress) { self.note("unknown \(address.host ?? "")") }
    func uncovered(_ slot: UInt16) { self.note("uncovered \(slot)") }
    func clusterDown(_ shard: Int) { self.note("down \(shard)") }

    private func note(_ call: String) { self.told.withLock { $0.append(call) } }
}
