package import MemoryStore
package import RedisClient

/// How the cache is.
package struct CacheHealth: Sendable {
    /// How Redis is; nil on the embedded store by choice.
    package let outage: OutageReport?
    /// The shards and how they are found; nil if Redis is no cluster, as far as is known.
    package let cluster: ClusterReport?
    /// The bounds of the journal; nil on the embedded store by choice.
    package let outageSettings: OutageSettings?
    /// The connections of the event loops; nil on the embedded store by choice.
    package let redis: RedisCountersSnapshot?
    /// The copies of reads; nil if none are kept.
    package let near: NearCacheHealth?
    /// What readers have found in envelopes.
    package let values: ValueCounts
    /// What became of leases.
    package let leases: LeaseCounters
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

    /// Whether memory stands in for Redis, for all keys or for those that wait to be replayed.
    package var isDegraded: Bool { self.outage.map { $0.state != .connected } ?? false }
}

/// What readers have found in envelopes, over all event loops.
package struct ValueCounts: Sendable {
    package private(set) var stale = 0
    package private(set) var outdated = 0
    package private(set) var unreadable = 0

    mutating func add(_ counters: ValueCounters) {
        self.stale += counters.count(.stale)
        self.outdated += counters.count(.outdated)
        self.unreadable += counters.count(.unreadable)
    }
}

/// The copies of reads, and what happened to them.
package struct NearCacheHealth: Sendable {
    package let report: NearCacheReport
    package let counts: NearCountersSnapshot
}

/// The figures of `GET /cache/stats`.
package struct CacheStatistics: Sendable {
    package var totalKeys: Int
    /// In words, as Redis writes it: `5.30M`.
    package var memoryUsage: String
    package var connectedClients: Int
    package var uptimeSeconds: Int
    package var totalCommandsProcessed: Int
    package var keyspaceHits: Int
    package var keyspaceMisses: Int
    package var source: CacheSource
    /// Of a cluster: whether these are the figures of all of its shards.
    package var isWhole = true

    /// Hits in hundredths of a percent of all reads; 0 if there were none.
    package var hitRateHundredths: Int {
        let reads = self.keyspaceHits + self.keyspaceMisses
        return reads == 0 ? 0 : Int((Double(self.keyspaceHits) * 10_000 / Double(reads)).rounded())
    }

    /// A size in Redis's words (`bytesToHuman` of its server.c): two decimals and the largest unit below it.
    package static func humanReadable(bytes: Int) -> String {
        var amount = Double(bytes)
        guard bytes >= 1024 else { return "\(bytes)B" }
        var unit = ""
        for next in ["K", "M", "G", "T"] where amount >= 1024 {
            amount /= 1024
            unit = next
        }
        let hundredths = Int((amount * 100).rounded())
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)\(unit)"
    }
}
