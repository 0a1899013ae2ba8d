import TestSupport

/// What is done to a cluster in one trial, made from a seed: the same seed gives the same schedule.
struct ClusterSchedule: Hashable, Sendable {
    /// Each shard is a master with its replica; which of them is the master changes.
    static let shards = 3

    enum Fault: Hashable, Sendable {
        /// Slots move to a shard, and stay open for a while in between.
        case migration(slots: [Int], target: Int)
        /// The replica takes over from its living master.
        case failover(shard: Int)
        /// SIGKILL of the master, and a start afterwards.
        case kill(shard: Int)
        /// SIGSTOP of the master, and SIGCONT afterwards.
        case stop(shard: Int)
    }

    struct Step: Hashable, Sendable {
        let pauseMilliseconds: Int
        let fault: Fault
        let durationMilliseconds: Int
    }

    let seed: UInt64
    let instances: Int
    let steps: [Step]
    /// Of a hundred operations of a client, how many change something: few, so that copies live, or many, so that writes meet.
    let changes: Int
    /// The longest pause of the foreign client between two changes.
    let foreignPauseMilliseconds: Int

    /// One instance restores what was written in an outage; several invalidate.
    var outageWrites: String { self.instances == 1 ? "restore" : "invalidate" }

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        self.seed = seed
        self.instances = Int.random(in: 1...3, using: &random)
        self.steps = (0..<Int.random(in: 3...5, using: &random)).map { _ in
            let fault = Self.fault(&random)
            // Shorter than the nodes' patience with each other, or long enough for a replica to take over.
            let duration = Bool.random(using: &random) ? 10...600 : 1200...2800
            return Step(
                pauseMilliseconds: Int.random(in: 20...400, using: &random), fault: fault,
                durationMilliseconds: Int.random(in: fault.isLoss ? duration : 0...200, using: &random))
        }
        self.changes = Bool.random(using: &random) ? 40 : 4
        self.foreignPauseMilliseconds = Bool.random(using: &random) ? 10 : 100
    }

    private static func fault(_ random: inout SplitMix64) -> Fault {
        let shard = Int.random(in: 0..<self.shards, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0..<4: return .migration(slots: self.slots(&random), target: shard)
        case 4: return .failover(shard: shard)
        case 5, 6: return .kill(shard: shard)
        default: return .stop(shard: shard)
        }
    }

    /// Some of those that have keys, and others.
    private static func slots(_ random: inout SplitMix64) -> [Int] {
        let keys = (FaultClient.keys + [FaultClient.foreignKey]).filter { _ in Bool.random(using: &random) }
        let others = (0..<Int.random(in: 0...50, using: &random)).map { _ in Int.random(in: 0..<RedisClusterProcess.slotCount, using: &random) }
        return Set(keys.map { RedisClusterProcess.slot(of: $0) } + others).sorted()
    }
}

extension ClusterSchedule.Fault {
    /// Whether a master is away.
    var isLoss: Bool {
        switch self {
        case .kill, .stop: true
        case .migration, .failover: false
        }
    }
}
