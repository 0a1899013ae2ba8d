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
