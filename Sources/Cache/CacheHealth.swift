package import MemoryStore

/// How the cache is.
package struct CacheHealth: Sendable {
    /// Whether Redis is configured.
    package let usesRedis: Bool
    /// Whether every event loop has its connection to Redis.
    package let isRedisConnected: Bool
    /// Since the process started, in seconds.
    package let uptimeSeconds: Int
    /// The embedded store.
    package let memory: MemoryStatistics

    /// Whether the embedded store stands in for a Redis that is away.
    package var isDegraded: Bool { self.usesRedis && !self.isRedisConnected }
}
