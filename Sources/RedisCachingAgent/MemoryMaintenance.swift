import Cache
import CacheHTTP
import MemoryStore
import OperatingSystem
import ServiceLifecycle

/// Lets go of memory while nobody asks for anything: of entries whose time is over, which reads never see, and, after many answers or bodies
/// have waited for slow clients, of what the allocator keeps of them.
struct MemoryMaintenance: Service {
    private static let interval = Duration.milliseconds(250)
    private static let entriesPerStep = 1024

    let store: MemoryStore
    let limiter: Limiter

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: Self.interval)
                if self.limiter.hasFallenFromPeak() { HeapMemory.giveBack() }
                while self.store.collectExpired(now: .now, limit: Self.entriesPerStep) == Self.entriesPerStep { await Task.yield() }
            }
        }
    }
}
