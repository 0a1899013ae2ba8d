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

    /// Hits in hundredths of a percent of all reads; 0 where there were none.
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
