package import RedisClient
import Synchronization

/// The counters of all connections that one event loop has had to Redis, readable from any thread.
package final class EventLoopRedisCounters: Sendable {
    /// Those of connections that are gone count on: a sum never falls.
    private let counters = Mutex<[RedisCounters]>([])

    package init() {}

    func add(_ counters: RedisCounters) { self.counters.withLock { $0.append(counters) } }

    /// The counts now, of all connections.
    package var snapshot: RedisCountersSnapshot {
        self.counters.withLock { $0 }.reduce(into: RedisCountersSnapshot()) { $0.add($1.snapshot) }
    }
}
