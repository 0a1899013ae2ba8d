import Logging
import Synchronization

/// Keeps log lines, and lets a test look around while one is written.
final class RecordedLog: Sendable {
    private let recorded = Mutex<[String]>([])
    private let reaction = Mutex<(@Sendable () -> Void)?>(nil)

    var lines: [String] { self.recorded.withLock { $0 } }

    var onLine: (@Sendable () -> Void)? {
        get { self.reaction.withLock { $0 } }
        set { self.reaction.withLock { $0 = newValue } }
    }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: RecordedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            self.log.recorded.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
            self.log.onLine?()
        }
    }
}
