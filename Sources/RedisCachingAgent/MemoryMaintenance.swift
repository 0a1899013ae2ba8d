import Cache
import MemoryStore
import ServiceLifecycle

/// Lets go of entries whose time is over while nobody asks for anything: reads never see them, but their memory should not wait for traffic.
struct MemoryMaintenance: Service {
    private static let interval = Duration.milliseconds(250)
    private static let entriesPerStep = 1024

    let store: MemoryStore

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: Self.interval)
                while self.store.collectExpired(now: .now, limit: Self.entriesPerStep) == Self.entriesPerStep { await Task.yield() }
            }
        }
    }
}
