package import MemoryStore
package import RedisClient

/// How the cache is.
package struct CacheHealth: Sendable {
    /// How Redis is; nil on the embedded store by choice.
    package let outage: OutageReport?
    /// The bounds of the journal; nil on the embedded store by choice.
    package let outageSettings: OutageSettings?
    /// The connections of the event loops; nil on the embedded store by choice.
    package let redis: RedisCounts?
    /// Commands that Redis has refused, and without which the service works all the same.
    package let refusedCommands: [String]
    /// Since the process started, in seconds.
    package let uptimeSeconds: Int
    /// The embedded store.
    package let memory: MemoryStatistics
    /// When this was so, on the clock of the report's times.
    package let now: MonotonicTime

    /// Whether Redis is asked at all.
    package var isRedisConnected: Bool { self.outage?.isRedisAsked ?? false }

    /// Whether memory stands in for Redis, for all keys or those that Redis has not been told of yet.
    package var isDegraded: Bool { self.outage.map { $0.state != .connected } ?? false }
}
