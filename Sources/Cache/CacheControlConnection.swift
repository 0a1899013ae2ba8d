package import RedisClient

/// The connection for calls that take long, as the control plane needs it: a `RedisControl`, or what stands for one in a test.
package protocol CacheControlConnection: Sendable {
    /// Deletes every key of these shards that matches a glob, but for those that the user may not delete.
    func deleteKeys(matching pattern: [UInt8], from shards: [Int]) async -> ShardDeletion
    /// Counts the keys of all shards that match a glob.
    func keyCount(matching pattern: [UInt8]) async throws(RedisFailure) -> Int
    /// What Redis says of itself: of all shards together that are there.
    func information() async throws(RedisFailure) -> ShardInformation
    /// Commands that Redis has refused, and without which the service works all the same.
    var refusedOptionalCommands: [String] { get async }
    /// How the topology of the cluster is kept up; nil if Redis is none, as far as is known.
    var topology: TopologyReport? { get }
}

/// What a deletion by pattern came to.
package struct ShardDeletion: Sendable {
    /// What the shards have deleted that have come to the end.
    package var deletion = RedisControl.Deletion()
    /// Why others have not, by the number of the shard.
    package var failures: [Int: RedisFailure] = [:]

    package init() {}
}

/// What the shards say of themselves.
package struct ShardInformation: Sendable {
    /// Of those that answer, together.
    package var sum: RedisInformation
    /// Whether all have answered.
    package var isWhole: Bool

    package init(_ sum: RedisInformation, isWhole: Bool = true) {
        self.sum = sum
        self.isWhole = isWhole
    }
}

extension RedisControl: CacheControlConnection {
    package func deleteKeys(matching pattern: [UInt8], from shards: [Int]) async -> ShardDeletion {
        var outcome = ShardDeletion()
        do throws(RedisFailure) {
            outcome.deletion = try await self.invalidate(pattern: pattern)
        } catch {
            for shard in shards { outcome.failures[shard] = error }
        }
        return outcome
    }

    package func information() async throws(RedisFailure) -> ShardInformation { ShardInformation(try await self.serverInformation()) }

    package func keyCount(matching pattern: [UInt8]) async throws(RedisFailure) -> Int {
        try await self.countKeys(matching: pattern)
    }

    /// nil: one node is asked, whatever it belongs to.
    package var topology: TopologyReport? { nil }
}
