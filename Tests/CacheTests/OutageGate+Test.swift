@testable import Cache

extension OutageGate {
    /// Opens the gate as a recovery does that meets no failure, and settles all keys that wait for a replay.
    func openForTest() {
        var step = self.next(.woken)
        while let event = self.success(of: step) { step = self.next(event) }
    }

    private func success(of step: RecoveryStep) -> RecoveryEvent? {
        switch step {
        case .wait: nil
        case .endConnections: .connectionsEnded([])
        case .pause: .pauseEnded
        case .probe: .redisAnswered
        case .fence: .connectionsFenced
        case .waitForEndedConnections: .waitEnded
        case .identifyServer: .serverIdentified("server")
        case .collectRecentWrites: .recentWritesCollected(isComplete: true)
        case .verifyWrites: .writesVerified
        case .connectEventLoops: .eventLoopsConnected
        case .deleteEverything: .everythingDeleted(isRefused: false)
        case .deletePattern: .patternDeleted(isRefused: false)
        case .deleteKeys(let entries), .restoreKeys(let entries): .keysSettled(Settlement(settled: entries))
        }
    }
}
