import Cache
import MemoryStore
import NIOCore

/// Writes the Prometheus text format, version 0.0.4. Names and label values are the program's own and need no escaping.
struct PrometheusText {
    enum Kind: String {
        case counter, gauge
    }

    private(set) var bytes = ByteBuffer()

    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.bytes.writeString("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    mutating func sample(_ name: String, label: (name: String, value: String)? = nil, _ value: Double) {
        let labels = label.map { "{\($0.name)=\"\($0.value)\"}" } ?? ""
        let whole = value == value.rounded() && abs(value) < 1e15
        self.bytes.writeString("\(name)\(labels) \(whole ? "\(Int(value))" : "\(value)")\n")
    }

    mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        self.family(name, kind, help)
        self.sample(name, value)
    }

    /// How Redis is, and what it has to be told.
    mutating func outage(_ report: OutageReport, now: MonotonicTime) {
        self.family("redis_state", .gauge, "1 for the state that Redis is in.")
        for state in OutageReport.State.allCases { self.sample("redis_state", label: ("state", state.rawValue), report.state == state ? 1 : 0) }
        self.single("redis_outages_total", .counter, "Times that Redis was away, the start included.", Double(report.outages))
        self.single("redis_recovery_failures_total", .counter, "Attempts to take Redis back that failed.", Double(report.failedAttempts))
        self.single("journal_keys", .gauge, "Keys that Redis has to be told of.", Double(report.journalKeys))
        self.single("journal_patterns", .gauge, "Patterns that Redis has to be told of.", Double(report.journalPatterns))
        self.single("journal_bytes", .gauge, "Bytes that the journal takes.", Double(report.journalBytes))
        let age = report.journalOldest.map { Double(now.milliseconds - $0.milliseconds) / 1000 } ?? 0
        self.single("journal_age_seconds", .gauge, "Since when the journal holds something.", age)
        self.single("journal_overflows_total", .counter, "Times that the journal reached its bound.", Double(report.journalOverflows))
        self.single("replay_keys_total", .counter, "Keys of the journal that Redis was told of.", Double(report.replayedKeys))
        self.single("replay_patterns_total", .counter, "Patterns of the journal that Redis was told of.", Double(report.replayedPatterns))
        self.single(
            "replay_purges_total", .counter, "Times that everything was deleted after the journal had reached its bound.", Double(report.purges))
        let duration = Double(report.lastReplay?.durationMilliseconds ?? 0) / 1000
        self.single("replay_duration_seconds", .gauge, "How long the last replay took.", duration)
    }

    /// The embedded store's own figures.
    mutating func memory(_ statistics: MemoryStatistics) {
        self.single("memory_store_entries", .gauge, "Entries of the embedded store.", Double(statistics.entries))
        self.single("memory_store_bytes", .gauge, "Bytes that the entries of the embedded store take.", Double(statistics.bytes))
        self.single("memory_store_max_bytes", .gauge, "Bytes that the embedded store may take.", Double(statistics.maximumBytes))
        self.single("memory_store_evictions_total", .counter, "Entries evicted to make room.", Double(statistics.evictions))
        self.single(
            "memory_store_expirations_total", .counter, "Entries removed because their time to live was over.", Double(statistics.expirations))
    }
}
