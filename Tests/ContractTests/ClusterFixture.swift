import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// A cluster with the service on it.
enum ClusterFixture {
    /// Patient with a busy machine, so that a deadline is never missed: whoever tests silence says otherwise.
    static let patient = [
        "REDIS_DEADLINE_MS": "10000", "REDIS_DEAD_TIMEOUT_MS": "60000", "REDIS_RECONNECT_CAP_MS": "50", "EVENT_LOOPS": "2",
        "OUTAGE_WRITES": "restore",
    ]

    /// A node that has stopped is found out in seconds, and no other node takes so long.
    static let impatient = ["REDIS_DEADLINE_MS": "2000", "REDIS_DEAD_TIMEOUT_MS": "2000", "NEAR_SIGN_OF_LIFE_MS": "200"]

    /// Starts both, waits until every node is connected, and gives them to `body`.
    ///
    /// - Parameter settings: of the service; the seed is the first node unless they say otherwise
    static func with(
        _ shape: RedisClusterProcess.Shape = ClusterFixture.steady, _ settings: [String: String] = [:],
        _ body: (RedisClusterProcess, AgentProcess) async throws -> Void
    ) async throws {
        try await RedisClusterProcess.with(shape) { cluster in
            let all = self.patient.merging(["REDIS_URL": cluster.url(0)]) { $1 }.merging(settings) { $1 }
            try await AgentProcess.with(all) { agent in
                try await self.waitUntilWhole(cluster, agent)
                try await body(cluster, agent)
            }
        }
    }

    /// Waits until the service knows every master, and asks it.
    static func waitUntilWhole(_ cluster: RedisClusterProcess, _ agent: AgentProcess) async throws {
        let masters = try await cluster.masters()
        try await agent.waitForShards { $0.count == masters.count && $0.allSatisfy(\.isConnected) }
        for node in masters {
            let key = try await cluster.key("whole", at: node)
            try await eventually("an answer of node \(node)") { try await !agent.isDegraded(key) }
        }
    }

    /// Keys of slots that a node has.
    static func keys(_ beginning: String, _ count: Int, of node: Int, in cluster: RedisClusterProcess) async throws -> [String] {
        let slots = Set(try await cluster.slots(of: node))
        return Array((0...).lazy.map { "\(beginning)\($0)" }.filter { slots.contains(RedisClusterProcess.slot(of: $0)) }.prefix(count))
    }

    /// Nobody fails, also on a busy machine.
    static var steady: RedisClusterProcess.Shape {
        var shape = RedisClusterProcess.Shape()
        shape.nodeTimeoutMilliseconds = 5000
        return shape
    }

    /// A shape in which the first master alone has a replica, which is the last node.
    static var withReplica: RedisClusterProcess.Shape {
        var shape = RedisClusterProcess.Shape()
        shape.replicas = 1
        // On a busy machine a node may be silent for a second, and its replica would take over unasked.
        shape.nodeTimeoutMilliseconds = 2000
        return shape
    }
}

/// What GET /health says of one shard: nothing about its address.
struct ShardHealth: Decodable, Sendable {
    let index: Int
    let state: String
    let reason: String?
    let since: String
    /// How many slots it has.
    let slots: Int

    var isConnected: Bool { self.state == "connected" }
}

/// What of GET /health concerns a cluster.
struct ClusterHealth: Decodable, Sendable {
    struct Redis: Decodable, Sendable {
        struct Journal: Decodable, Sendable {
            let keys: Int
            let patterns: Int
        }

        struct Cluster: Decodable, Sendable {
            let shards: [ShardHealth]
        }

        /// Null until the cluster is known.
        let cluster: Cluster?
        let journal: Journal

        var shards: [ShardHealth] { self.cluster?.shards ?? [] }
    }

    let status: String
    let redis: Redis
}

extension AgentProcess {
    func clusterHealth() async throws -> ClusterHealth {
        let answer = try await self.ask(Request.get("/health"))
        return try JSONDecoder().decode(ClusterHealth.self, from: Data(answer.body))
    }

    /// Waits until the shards, of which there is one at least, are as they should be, and returns them.
    @discardableResult
    func waitForShards(
        fileID: String = #fileID, line: Int = #line, _ isExpected: ([ShardHealth]) -> Bool
    ) async throws -> ClusterHealth {
        try await eventually("other shards", fileID: fileID, line: line) {
            try await self.clusterHealth()
        } until: { health in
            !health.redis.shards.isEmpty && isExpected(health.redis.shards)
        }
    }

    /// Waits until every shard is connected and has all that was done meanwhile.
    func waitForReplay(fileID: String = #fileID, line: Int = #line) async throws {
        try await eventually("an empty journal", fileID: fileID, line: line) {
            let health = try await self.clusterHealth()
            let shards = health.redis.shards
            return !shards.isEmpty && shards.allSatisfy(\.isConnected) && health.redis.journal.keys == 0 && health.redis.journal.patterns == 0
                && health.status == "healthy"
        }
    }

    /// Whether the answer to a read comes from memory instead of Redis.
    func isDegraded(_ key: String) async throws -> Bool {
        try await self.ask(Request.get("/cache/\(key)"))["x-cache-degraded"] == "1"
    }
}

/// Clients that write, read and delete keys while a test does something to the cluster, and what they saw.
///
/// Each key has one client, which therefore knows what it must read.
struct ClusterTraffic: Sendable {
    /// Answers of one client, or of several.
    struct Seen: Sendable {
        var answers = 0
        /// Keys of which memory answered instead of Redis.
        var degraded: Set<String> = []
        /// Reads that found nothing where something had been stored.
        var misses = 0
        /// Answers that are no possible ones.
        var wrong: [String] = []
        /// The first of those that are degraded or misses.
        var notes: [String] = []

        mutating func add(_ other: Seen) {
            self.answers += other.answers
            self.degraded.formUnion(other.degraded)
            self.misses += other.misses
            self.wrong += other.wrong
            self.notes = Array((self.notes + other.notes).prefix(8))
        }
    }

    private static let clients = 4

    /// - Returns: what the clients saw from before `body` until after it.
    static func during(_ agent: AgentProcess, keys: [String], _ body: () async throws -> Void) async throws -> Seen {
        let isOver = NIOLockedValueBox(false)
        let rounds = NIOLockedValueBox(0)
        return try await withThrowingTaskGroup(of: Seen.self) { group in
            for client in 0..<self.clients {
                let own = keys.enumerated().filter { $0.offset % self.clients == client }.map(\.element)
                group.addTask {
                    try await self.run(agent, own) {
                        rounds.withLockedValue { $0 += 1 }
                        return isOver.withLockedValue { $0 }
                    }
                }
            }
            defer { isOver.withLockedValue { $0 = true } }
            try await eventually("every client at work") { rounds.withLockedValue { $0 >= self.clients } }
            try await body()
            let before = rounds.withLockedValue { $0 }
            try await eventually("every client to have asked again") { rounds.withLockedValue { $0 >= before + 2 * self.clients } }
            isOver.withLockedValue { $0 = true }
            return try await group.reduce(into: Seen()) { $0.add($1) }
        }
    }

    private static func run(_ agent: AgentProcess, _ keys: [String], until isOver: @Sendable () -> Bool) async throws -> Seen {
        var seen = Seen()
        var round = 0
        try await WireClient.connect(port: agent.port) { connection in
            while !isOver() {
                round += 1
                for key in keys {
                    // Every fourth round ends without a value.
                    let isStored = round % 4 != 0
                    let change = isStored ? Request.post("/cache", #"{"key":"\#(key)","value":\#(round)}"#) : Request.delete("/cache/\(key)")
                    try await connection.send(change + Request.get("/cache/\(key)"))
                    let changed = try await connection.response()
                    let read = try await connection.response()
                    seen.answers += 2
                    if [changed, read].contains(where: { $0["x-cache-degraded"] == "1" }) { seen.degraded.insert(key) }
                    if changed.status != 200, isStored || changed.status != 404 { seen.wrong.append("\(key): \(changed.statusLine)") }
                    let value = read.status == 200 ? read.text : "\(read.status)"
                    if [changed, read].contains(where: { $0["x-cache-degraded"] == "1" }) || (value == "404" && isStored) {
                        seen.notes.append("\(key): \(changed["cache-status"] ?? ""), then \(read["cache-status"] ?? "") \(value)")
                    }
                    if value == "404" {
                        seen.misses += isStored ? 1 : 0
                    } else if !isStored || value != #"{"success":true,"key":"\#(key)","value":\#(round)}"# {
                        seen.wrong.append("\(value) instead of \(isStored ? "\(round)" : "nothing")")
                    }
                }
            }
        }
        return seen
    }
}
