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

    /// How long services may take to end after the grace time. One that does not is a fault of the program, and the process ends all the same, before
    /// the platform kills it: Cloud Run does 10 s after the signal.
    static let cancellation = Duration.seconds(1)

    /// Bounds the stop.
    static func bound(_ configuration: inout ServiceGroupConfiguration, graceSeconds: Int) {
        configuration.maximumGracefulShutdownDuration = .seconds(graceSeconds)
        configuration.maximumCancellationDuration = self.cancellation
    }
}
