package import Cache
package import RedisClient
import Synchronization

/// A connection for long calls without a Redis: each call has the result that the test says.
package final class FakeControlConnection: CacheControlConnection {
    package struct Results: Sendable {
        package var deletion = Result<RedisControl.Deletion, RedisFailure>.success(RedisControl.Deletion())
        package var keyCount = Result<Int, RedisFailure>.success(0)
        package var information = Result<RedisInformation, RedisFailure>.success(RedisInformation())
        package var refusedOptionalCommands: [String] = []
        package var topology: TopologyReport?
    }

    private let state = Mutex((results: Results(), calls: [String]()))

    package init() {}

    package var results: Results {
        get { self.state.withLock { $0.results } }
        set { self.state.withLock { $0.results = newValue } }
    }

    /// The calls so far: `delete user:*`, `count user:*`, `information`.
    package var calls: [String] { self.state.withLock { $0.calls } }

    private func take(_ call: String) -> Results {
        self.state.withLock { state in
            state.calls.append(call)
            return state.results
        }
    }

    package func deleteKeys(matching pattern: [UInt8], from shards: [Int]) async -> ShardDeletion {
        var outcome = ShardDeletion()
        guard !shards.isEmpty else { return outcome }
        switch self.take("delete \(String(decoding: pattern, as: UTF8.self))").deletion {
        case .success(let deletion): outcome.deletion = deletion
        case .failure(let failure): for shard in shards { outcome.failures[shard] = failure }
        }
        return outcome
    }

    package func keyCount(matching pattern: [UInt8]) async throws(RedisFailure) -> Int {
        try self.take("count \(String(decoding: pattern, as: UTF8.self))").keyCount.get()
    }

    package func information() async throws(RedisFailure) -> ShardInformation {
        ShardInformation(try self.take("information").information.get())
    }

    package var refusedOptionalCommands: [String] { self.results.refusedOptionalCommands }

    package var topology: TopologyReport? { self.results.topology }
}
