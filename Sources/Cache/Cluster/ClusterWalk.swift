import NIOCore
import RESP
import RedisClient

/// Deletes all keys of a cluster that match a pattern, whatever moves meanwhile.
///
/// The walks over the nodes go side by side. A key that moves from one to another between the two walks is seen by neither, so the slots of each node
/// are looked at before and afterwards: those that were on their way at either time, or have another owner, are looked at once more by themselves,
/// first where they come from, then where they go: a key can only be at one of the two, and moves one way. A slot that is on its way in the same
/// direction before and after that is done. What goes on changing after some rounds, or after some time, is left to the journal.
///
/// A node that fails is not asked again: its shard is away, and the pattern is remembered for it.
struct ClusterWalk {
    private static let maximumRounds = 5
    /// For what comes after the walks themselves.
    private static let maximumDuration = TimeAmount.seconds(5)
    /// Keys of one slot that are asked for at first.
    private static let keysOfSlot = 1000

    private let directory: ShardDirectory
    private let pattern: [UInt8]
    private let glob: GlobPattern
    private let shards: [Int]
    private var outcome = ShardDeletion()

    init(_ directory: ShardDirectory, _ pattern: [UInt8], _ shards: [Int]) {
        self.directory = directory
        self.pattern = pattern
        self.glob = GlobPattern(pattern)
        self.shards = shards
    }

    /// What the nodes of shards say of their own slots.
    private typealias Snapshot = [Int: ClusterNodeSlots]

    func run() async -> ShardDeletion {
        var walk = self
        await walk.perform()
        return walk.outcome
    }

    private mutating func perform() async {
        var before = await self.snapshot()
        await self.walkAll()
        let deadline = NIODeadline.now() + Self.maximumDuration
        var settled: Set<Move> = []
        for _ in 0..<Self.maximumRounds {
            let after = await self.snapshot()
            let unsettled = Self.moves(before, after).subtracting(settled)
            if unsettled.isEmpty { return }
            if NIODeadline.now() > deadline { break }
            await self.look(at: unsettled)
            settled.formUnion(unsettled)
            before = after
        }
        // What is left is in slots that change all the time: their shards settle that later.
        for move in Self.moves(before, await self.snapshot()).subtracting(settled) {
            for shard in [move.source, move.target].compactMap(\.self) { self.fail(shard, .unsettled) }
        }
    }

    private mutating func fail(_ shard: Int, _ failure: RedisFailure) {
        if self.outcome.failures[shard] == nil { self.outcome.failures[shard] = failure }
    }

    /// Of the shards that are asked, and of those that are walked over.
    private mutating func snapshot() async -> Snapshot {
        let gate = self.directory.gate
        let shards = Set(gate.shardsInUse.filter { gate.isAsked($0) } + self.shards).filter { self.outcome.failures[$0] == nil }
        let results = await self.directory.ask(shards) { control throws(RedisFailure) in try await control.ownSlots() }
        var snapshot: Snapshot = [:]
        for (shard, result) in results {
            switch result {
            case .success(let slots): snapshot[shard] = slots
            case .failure(let failure): self.fail(shard, failure)
            }
        }
        return snapshot
    }

    private mutating func walkAll() async {
        let results = await self.directory.ask(self.shards) { [pattern] control throws(RedisFailure) in
            try await control.invalidate(pattern: pattern, keyByKey: true)
        }
        for (shard, result) in results {
            switch result {
            case .success(let deletion):
                self.outcome.deletion.removed += deletion.removed
                self.outcome.deletion.refused += deletion.refused
                await self.delete(deletion.redirected.map(\.key), at: shard)
            case .failure(let failure): self.fail(shard, failure)
            }
        }
    }

    /// Deletes keys wherever they are.
    private mutating func delete(_ keys: [[UInt8]], at shard: Int) async {
        guard !keys.isEmpty else { return }
        do throws(RedisFailure) {
            let deletion = try await KeyCommands(directory: self.directory).delete(keys, at: shard)
            self.outcome.deletion.removed += deletion.removed
            self.outcome.deletion.refused += deletion.refused.count
            for (index, failure) in deletion.left {
                guard failure.isAboutTheSlot else {
                    self.fail(shard, .unsettled)
                    continue
                }
                // Nobody serves the slot: the pattern waits with its other records until somebody does.
                self.directory.uncovered(self.directory.gate.table.slot(of: keys[index]))
                if let uncovered = self.directory.uncoveredShard { self.fail(uncovered, .unsettled) }
            }
        } catch {
            self.fail(shard, error)
        }
    }

    /// A slot that goes from one shard to another, as far as both are known.
    private struct Move: Hashable {
        let slot: UInt16
        var source: Int?
        var target: Int?
    }

    /// The slots that were on their way at one of two times, or have another owner. A node that is missing at one of them is not compared.
    private static func moves(_ before: Snapshot, _ after: Snapshot) -> Set<Move> {
        var moves: Set<Move> = []
        let known = Set(before.keys).intersection(after.keys)
        let (then, now) = (self.owners(before, known), self.owners(after, known))
        for slot in 0..<UInt16(HashSlot.count) where then[Int(slot)] != now[Int(slot)] {
            moves.insert(Move(slot: slot, source: then[Int(slot)], target: now[Int(slot)]))
        }
        var open: [UInt16: Move] = [:]
        for (shard, slots) in [before, after].flatMap({ $0 }) {
            for entry in slots.open {
                var move = open[entry.slot.index] ?? Move(slot: entry.slot.index)
                if entry.direction == .migrating { move.source = shard } else { move.target = shard }
                open[entry.slot.index] = move
            }
        }
        return moves.union(open.values)
    }

    private static func owners(_ snapshot: Snapshot, _ known: Set<Int>) -> [Int?] {
        var owners = [Int?](repeating: nil, count: HashSlot.count)
        for (shard, slots) in snapshot where known.contains(shard) {
            for range in slots.owned { for index in range.lowerBound.index...range.upperBound.index { owners[Int(index)] = shard } }
        }
        return owners
    }

    private mutating func look(at moves: Set<Move>) async {
        for move in moves {
            guard let slot = HashSlot(index: Int(move.slot)) else { continue }
            // Where it comes from first.
            for shard in [move.source, move.target].compactMap(\.self) where self.outcome.failures[shard] == nil {
                guard let control = self.directory.connections(of: shard)?.control else { continue }
                do throws(RedisFailure) {
                    var keys = try await control.keys(inSlot: slot, limit: Self.keysOfSlot)
                    if !keys.isComplete { keys = try await control.keys(inSlot: slot, limit: 2 * keys.count) }
                    await self.delete(keys.keys.filter { self.glob.matches($0.span) }, at: shard)
                } catch {
                    self.fail(shard, error)
                }
            }
        }
    }
}

extension RedisFailure {
    /// Keys that have to be deleted go on moving from node to node.
    static let unsettled = RedisFailure(.connectionClosed, "slots go on moving while their keys are deleted")
}
