import Testing

@testable import Cache

@Suite struct CacheStatisticsTests {
    /// The words of Redis's own `used_memory_human`.
    @Test func sizes() {
        let cases = [(0, "0B"), (1023, "1023B"), (1024, "1.00K"), (1536, "1.50K"), (5_557_453, "5.30M"), (1 << 30, "1.00G"), (3 << 40, "3.00T")]
        for (bytes, text) in cases { #expect(CacheStatistics.humanReadable(bytes: bytes) == text) }
    }

    @Test func hitRate() {
        var statistics = CacheStatistics(
            totalKeys: 0, memoryUsage: "", connectedClients: 0, uptimeSeconds: 0, totalCommandsProcessed: 0, keyspaceHits: 0, keyspaceMisses: 0,
            source: .memory)
        #expect(statistics.hitRateHundredths == 0)
        statistics.keyspaceHits = 2
        statistics.keyspaceMisses = 1
        #expect(statistics.hitRateHundredths == 6667)
    }
}
