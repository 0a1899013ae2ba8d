package import RedisClient

/// The connection for calls that take long, as the control plane needs it: a `RedisControl`, or what stands for one in a test.
package protocol CacheControlConnection: Sendable {
    /// Deletes every key that matches a glob, but for those that the user may not delete.
    func deleteKeys(matching pattern: [UInt8]) async throws(RedisFailure) -> RedisControl.Deletion
    /// Counts the keys that match a glob.
    func keyCount(matching pattern: [UInt8]) async throws(RedisFailure) -> Int
    /// What Redis says of itself.
    func information() async throws(RedisFailure) -> RedisInformation
    /// Commands that Redis has refused, and without which the service works all the same.
    var refusedOptionalCommands: [String] { get async }
}

extension RedisControl: CacheControlConnection {
    package func deleteKeys(matching pattern: [UInt8]) async throws(RedisFailure) -> Deletion {
        try await self.invalidate(pattern: pattern)
    }

    package func keyCount(matching pattern: [UInt8]) async throws(RedisFailure) -> Int {
        try await self.countKeys(matching: pattern)
    }
}
