import MemoryStore

/// The hit ratios of all policies over all traces, as a table in Markdown.
enum HitRatioTable {
    static func print() {
        Swift.print("| Trace | cache | LRU | SIEVE | S3-FIFO | W-TinyLFU | MemoryStore | optimum |")
        Swift.print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        for share in [0.01, 0.1] {
            for trace in [
                .zipf(0.7), .zipf(0.9), .zipf(1.1), .zipfWithScans(), .loop(cacheShare: share), .shifting(), .mixedSizes(),
            ] as [Trace] {
                printRow(trace, share: share)
            }
        }
    }

    private static func printRow(_ trace: Trace, share: Double) {
        let capacity = Int(Double(trace.footprint) * share)
        let hits = [
            hits(trace, LRU(capacity: capacity, sizes: trace.sizes)),
            hits(trace, SIEVE(capacity: capacity, sizes: trace.sizes)),
            hits(trace, S3FIFO(capacity: capacity, sizes: trace.sizes)),
            hits(trace, WTinyLFU(capacity: capacity, sizes: trace.sizes)),
            hits(trace, RealStore(capacity: capacity)),
            Belady.hits(trace, capacity: capacity),
        ]
        let cells = hits.map { decimal(Double($0) * 100 / Double(trace.keys.count)) }
        Swift.print("| \(trace.name) | \(Int(share * 100)) % | \(cells.joined(separator: " | ")) |")
    }

    private static func hits(_ trace: Trace, _ policy: some CachePolicy) -> Int {
        var policy = policy
        return trace.keys.count { policy.access(Int($0), size: trace.sizes[Int($0)]) }
    }

    /// One digit behind the point.
    static func decimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
