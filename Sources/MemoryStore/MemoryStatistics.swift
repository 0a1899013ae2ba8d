/// What a ``MemoryStore`` holds and what has happened since it was made. Each shard is consistent in itself; the shards are read one after another.
package struct MemoryStatistics: Equatable, Sendable {
    /// Entries held. May include entries that have expired but have not been collected yet.
    package var entries = 0
    /// Bytes charged for them, see ``MemoryFootprint``; never above `maximumBytes`.
    package var bytes = 0
    package var maximumBytes = 0
    package var hits = 0
    /// Reads of keys that were absent or had expired.
    package var misses = 0
    /// Accepted writes.
    package var sets = 0
    /// Entries removed by `remove` and `removeAll`.
    package var deletes = 0
    /// Entries removed to make room, before their time.
    package var evictions = 0
    /// Entries removed because their time was over.
    package var expirations = 0
    /// Writes that were refused as too large.
    package var rejections = 0

    package init() {}

    static func += (sum: inout MemoryStatistics, part: MemoryStatistics) {
        sum.entries += part.entries
        sum.bytes += part.bytes
        sum.maximumBytes += part.maximumBytes
        sum.hits += part.hits
        sum.misses += part.misses
        sum.sets += part.sets
        sum.deletes += part.deletes
        sum.evictions += part.evictions
        sum.expirations += part.expirations
        sum.rejections += part.rejections
    }
}
