import NIOCore
import ServiceLifecycle
import Synchronization

/// Knows when the stop signal came: the last of the services, and so the first to be stopped.
final class StopClock: Service {
    private let stopped = Mutex<NIODeadline?>(nil)

    /// When the stop signal came; now, where it has not.
    var stopTime: NIODeadline { self.stopped.withLock { $0 } ?? .now() }

    func run() async throws {
        try? await gracefulShutdown()
        self.stopped.withLock { $0 = .now() }
    }
}
