import NIOCore
import RESP
import RedisClient

/// Commands with one key each over the connections for long calls, carried out wherever the keys are: what a node sends elsewhere goes there.
struct KeyCommands: Sendable {
    struct Command: Sendable {
        let key: [UInt8]
        let arguments: [RESPArgument]

        static func unlink(_ key: [UInt8]) -> Command { Command(key: key, arguments: ["UNLINK", .bytes(key)]) }
    }

    /// An importing node that has not got the key yet sends back, so a key on its way is three hops from where it was looked for.
    private static let maximumHops = 3

    let directory: ShardDirectory

    /// - Returns: the reply to each command. One whose key is with a node that is not known, or with none, has the redirect or the error as its result.
    func perform(_ commands: [Command], at shard: Int) async -> [Result<RESPValue, RedisFailure>] {
        var results = [Result<RESPValue, RedisFailure>](repeating: .failure(.notConnected), count: commands.count)
        var due = [Destination(shard: shard, isAsking: false): Array(commands.indices)]
        for _ in 0...Self.maximumHops where !due.isEmpty {
            var next: [Destination: [Int]] = [:]
            for (destination, indices) in due {
                for (index, result) in zip(indices, await self.send(indices.map { commands[$0] }, to: destination)) {
                    results[index] = result
                    guard case .failure(let failure) = result, let target = self.destination(of: failure, at: destination.shard) else { continue }
                    next[target, default: []].append(index)
                }
            }
            due = next
        }
        return results
    }

    private struct Destination: Hashable {
        let shard: Int
        let isAsking: Bool
    }

    private func destination(of failure: RedisFailure, at shard: Int) -> Destination? {
        guard let redirect = failure.redirect else { return nil }
        guard let target = self.directory.shard(at: redirect.address, asked: shard) else {
            self.directory.unknown(redirect.address)
            return nil
        }
        guard target != shard else { return nil }
        if redirect.kind == .moved { self.directory.moved(redirect.slot.index, to: target) }
        return Destination(shard: target, isAsking: redirect.kind == .ask)
    }

    private func send(_ commands: [Command], to destination: Destination) async -> [Result<RESPValue, RedisFailure>] {
        guard let control = self.directory.connections(of: destination.shard)?.control else { return commands.map { _ in .failure(.notConnected) } }
        guard destination.isAsking else { return await control.pipeline(commands.map(\.arguments)) }
        let replies = await control.pipeline(commands.flatMap { [["ASKING"], $0.arguments] })
        return stride(from: 1, to: replies.count, by: 2).map { replies[$0] }
    }

    // MARK: Deletions

    /// What became of keys that were to be deleted.
    struct Deletion {
        var removed = 0
        /// Keys that the user may not delete, by their place.
        var refused: Set<Int> = []
        /// Keys that no node serves, or that are on their way, by their place, with what was said of them.
        var left: [Int: RedisFailure] = [:]
    }

    /// Deletes keys, wherever they are.
    func delete(_ keys: [[UInt8]], at shard: Int) async throws(RedisFailure) -> Deletion {
        var deletion = Deletion()
        for start in stride(from: 0, to: keys.count, by: RedisControl.defaultBatch) {
            let batch = start..<min(start + RedisControl.defaultBatch, keys.count)
            for (index, result) in zip(batch, await self.perform(keys[batch].map { .unlink($0) }, at: shard)) {
                switch result {
                case .success(.integer(let count)): deletion.removed += Int(count)
                case .success: throw .unexpectedReply
                case .failure(let failure) where failure.isAboutTheKey: deletion.refused.insert(index)
                case .failure(let failure) where failure.redirect != nil || failure.isAboutTheSlot: deletion.left[index] = failure
                case .failure(let failure): throw failure
                }
            }
        }
        return deletion
    }
}
