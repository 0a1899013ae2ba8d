import MemoryStore
import NIOCore

/// What was changed on a server lately other than by the event loops (`RecentWrites`): by invalidations, and by replays. A server that takes over may lack
/// that, too.
struct RecentChanges {
    private var patterns: [(bytes: [UInt8], time: MonotonicTime)] = []
    private var replayedKeys: RecentWrites
    private var lastPurge: MonotonicTime?
    private var spanMilliseconds: Int64
    private let maximumPatterns: Int
    private let maximumBytes: Int

    init(_ settings: OutageSettings, inCluster: Bool) {
        let span = settings.effectiveRecentWritesSpan(inCluster: inCluster)
        self.replayedKeys = RecentWrites(span: span, maximumBytes: settings.recentWritesBytes)
        self.spanMilliseconds = span.nanoseconds / 1_000_000
        self.maximumPatterns = settings.journalPatterns
        self.maximumBytes = settings.recentWritesBytes
    }

    /// Redis turns out to be a cluster, where changes are in doubt for longer.
    mutating func becameCluster(_ settings: OutageSettings) {
        let span = settings.effectiveRecentWritesSpan(inCluster: true)
        self.spanMilliseconds = span.nanoseconds / 1_000_000
        self.replayedKeys.limit(span: span, maximumBytes: self.maximumBytes)
    }

    // MARK: Changes

    /// What matches a pattern has been deleted.
    mutating func deleted(pattern: [UInt8], now: MonotonicTime) {
        guard self.spanMilliseconds > 0 else { return }
        self.patterns.removeAll { now.milliseconds - $0.time.milliseconds > self.spanMilliseconds }
        // One more than the journal takes makes it collapse, which is what is due then.
        guard self.patterns.count <= self.maximumPatterns else { return }
        self.patterns.append((pattern, now))
    }

    /// Keys of the journal have been written or deleted.
    mutating func replayed(_ entries: [OutageJournal.Entry], now: MonotonicTime) {
        for entry in entries { self.replayedKeys.record(ByteBuffer(bytes: entry.key), now: Int(now.milliseconds) * 1_000_000) }
    }

    /// Everything has been deleted.
    mutating func purged(now: MonotonicTime) { self.lastPurge = now }

    // MARK: What is in doubt

    func wasPurged(now: MonotonicTime) -> Bool {
        self.lastPurge.map { now.milliseconds - $0.milliseconds <= self.spanMilliseconds } ?? false
    }

    mutating func takePatterns() -> [[UInt8]] {
        defer { self.patterns = [] }
        return self.patterns.map(\.bytes)
    }

    /// - Returns: nil if they were more than is remembered.
    mutating func takeReplayedKeys() -> [[UInt8]]? { self.replayedKeys.takeAll() }
}
