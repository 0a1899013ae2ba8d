import Synchronization

@testable import Cache

extension OutageGate {
    /// Opens the gate as the recovery does once Redis has been reached, all keys that wait for a replay being settled.
    func openForTest() {
        let generation = self.protected.withLock { $0.machine.generation }
        _ = self.reached(generation: generation)
        _ = self.nextSharedWork(generation: generation)
        self.settled(self.entriesToSettle(limit: .max), generation: generation)
        self.replayed(generation: generation)
    }
}
