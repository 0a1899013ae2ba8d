import Cache
import HTTPWire
import MemoryStore
import OperatingSystem
import ServiceLifecycle

/// Frees memory in the background: expired entries, which reads never see, and what the allocator keeps after many responses or bodies have waited
/// for slow clients.
struct MemoryMaintenance: Service {
    private static let interval = Duration.milliseconds(250)
    private static let entriesPerStep = 1024

    let stores: [MemoryStore]
    let limiter: Limiter

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: Self.interval)
                if self.limiter.hasFallenFromPeak() { HeapMemory.giveBack() }
                for store in self.stores {
                    while store.collectExpired(now: .now, limit: Self.entriesPerStep) == Self.entriesPerStep { await Task.yield() }
                }
            }
        }
    }
}
