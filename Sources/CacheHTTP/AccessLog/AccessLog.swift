import Cache
package import Logging
import NIOCore
import ServiceContextModule
import Synchronization
import Telemetry

/// Writes lines about answers, as many as the settings ask for.
package final class AccessLog: Sendable {
    private let settings: AccessLogSettings
    private let logger: Logger
    private let answers = Atomic<Int>(0)
    /// The second that `lines` counts for.
    private let second = Atomic<Int>(0)
    private let lines = Atomic<Int>(0)
    private let droppedLines = Atomic<Int>(0)

    /// - Returns: nil where no line is wanted at all.
    package init?(_ settings: AccessLogSettings, logger: Logger) {
        guard settings.mode != .off else { return nil }
        self.settings = settings
        self.logger = logger
    }

    /// Lines that the bound of lines per second kept out so far.
    var dropped: Int { self.droppedLines.load(ordering: .relaxed) }

    /// Whether an answer gets a line. Asked of every answer.
    func wants(_ status: AnswerStatus, nanoseconds: Int) -> Bool {
        switch self.settings.mode {
        case .off: false
        case .sampled: self.answers.wrappingAdd(1, ordering: .relaxed).oldValue % self.settings.sampleInterval == 0
        case .slowAndErrors: nanoseconds >= self.settings.slowNanoseconds || status.isFailure
        case .all: true
        }
    }

    /// Writes the line, unless this second had enough of them.
    /// - Parameter now: nanoseconds of the monotonic clock.
    func write(_ entry: AccessLogEntry, now: Int) {
        guard self.admits(second: now / 1_000_000_000) else {
            self.droppedLines.add(1, ordering: .relaxed)
            return
        }
        guard let trace = entry.trace else { return self.write(entry) }
        var context = ServiceContext.topLevel
        context.traceContext = trace
        ServiceContext.$current.withValue(context) { self.write(entry) }
    }

    private func admits(second: Int) -> Bool {
        let counted = self.second.load(ordering: .relaxed)
        if counted != second, self.second.compareExchange(expected: counted, desired: second, ordering: .relaxed).exchanged {
            self.lines.store(0, ordering: .relaxed)
        }
        return self.lines.wrappingAdd(1, ordering: .relaxed).oldValue < self.settings.maximumLinesPerSecond
    }

    private func write(_ entry: AccessLogEntry) {
        self.logger.log(
            level: entry.status.isFailure ? .warning : .info,
            "\(entry.method) \(entry.path) \(entry.status.rawValue)",
            metadata: entry.metadata
        )
    }
}
