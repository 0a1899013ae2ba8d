import NIOCore
import RESP
import RedisClient

/// Deletes all keys of a cluster that match a pattern, whatever moves meanwhile.
///
/// The walks over the nodes go side by side. A key that moves from one to another between the two walks is seen by neither, so the slots of each node
/// are looked at before and afterwards: those that were on their way at either time, or have another owner, are looked at once more by themselves,
/// first where they come from, then where they go: a key can only be at one of the two, and moves one way. What goes on moving after some rounds is
/// left to the journal.
struct ClusterWalk {
    private static let maximumRounds = 5
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
        for _ in 0..<Self.maximumRounds {
            let after = await self.snapshot()
            let unsettled = self.unsettled(before, after)
            if unsettled.isEmpty { return }
            await self.look(at: unsettled, after)
            before = after
        }
        // Whatever keys are left are in slots that move all the time: their shards settle that later.
        let after = await self.snapshot()
        for (_, places) in self.unsettled(before, after) {
            for shard in places where self.outcome.failures[shard] == nil { self.outcome.failures[shard] = .unsettled }
        }
    }

    private func snapshot() async -> Snapshot {
        var snapshot: Snapshot = [:]
        for shard in self.directory.gate.shardsInUse {
            guard let control = self.directory.connections(of: shard)?.control else { continue }
            // A node that does not answer fails in its walk, too.
            if let slots = try? await control.ownSlots() { snapshot[shard] = slots }
        }
        return snapshot
    }

    private mutating func walkAll() async {
        let pattern = self.pattern
        let directory = self.directory
        await withTaskGroup(of: (Int, Result<RedisControl.Deletion, RedisFailure>).self) { group in
            for shard in self.shards {
                group.addTask {
                    guard let control = directory.connections(of: shard)?.control else { return (shard, .failure(.notConnected)) }
                    do throws(RedisFailure) {
                        return (shard, .success(try await control.invalidate(pattern: pattern, keyByKey: true)))
                    } catch {
                        return (shard, .failure(error))
                    }
                }
            }
            for await (shard, result) in group {
                switch result {
                case .success(let deletion):
                    self.outcome.deletion.removed += deletion.removed
                    self.outcome.deletion.refused += deletion.refused
                    await self.delete(deletion.redirected.map(\.key), at: shard)
                case .failure(let failure): self.outcome.failures[shard] = failure
                }
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
            if let failure = deletion.left.values.first { self.outcome.failures[shard] = failure.isAboutTheSlot ? failure : .unsettled }
        } catch {
            self.outcome.failures[shard] = error
        }
    }

    /// The slots that were on their way at one of two times, or in between: where their keys may be, in the order in which to look.
    private func unsettled(_ before: Snapshot, _ after: Snapshot) -> [UInt16: [Int]] {
        var places: [UInt16: [Int]] = [:]
        func note(_ slot: UInt16, _ shard: Int, first: Bool) {
            guard places[slot]?.contains(shard) != true else { return }
            places[slot, default: []].insert(shard, at: first ? 0 : places[slot]?.count ?? 0)
        }
        let owners = (Self.owners(before), Self.owners(after))
        for slot in 0..<UInt16(HashSlot.count) where owners.0[Int(slot)] != owners.1[Int(slot)] {
            if let source = owners.0[Int(slot)] { note(slot, source, first: true) }
            if let target = owners.1[Int(slot)] { note(slot, target, first: false) }
        }
        for (shard, slots) in [before, after].flatMap({ $0 }) {
            for open in slots.open { note(open.slot.index, shard, first: open.direction == .migrating) }
        }
        return places
    }

    private static func owners(_ snapshot: Snapshot) -> [Int?] {
        var owners = [Int?](repeating: nil, count: HashSlot.count)
        for (shard, slots) in snapshot {
            for range in slots.owned { for index in range.lowerBound.index...range.upperBound.index { owners[Int(index)] = shard } }
        }
        return owners
    }

    private mutating func look(at unsettled: [UInt16: [Int]], _ snapshot: Snapshot) async {
        for (slot, shards) in unsettled {
            for shard in shards {
                guard let slot = HashSlot(index: Int(slot)), let control = self.directory.connections(of: shard)?.control else { continue }
                do throws(RedisFailure) {
                    var keys = try await control.keys(inSlot: slot, limit: Self.keysOfSlot)
                    if !keys.isComplete { keys = try await control.keys(inSlot: slot, limit: 2 * keys.count) }
                    await self.delete(keys.keys.filter { self.glob.matches($0.span) }, at: shard)
                } catch {
                    self.outcome.failures[shard] = error
                }
            }
        }
    }
}

extension RedisFailure {
    /// Keys that have to be deleted go on moving from node to node.
    static let unsettled = RedisFailure(.connectionClosed, "slots go on moving while their keys are deleted")
}
