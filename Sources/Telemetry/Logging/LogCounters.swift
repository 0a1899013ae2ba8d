package import Logging
import Synchronization

/// Counts log lines by severity, those included that were dropped.
package final class LogCounters: Sendable {
    private let counts = InlineArray<7, Atomic<Int>> { _ in Atomic(0) }

    package init() {}

    func record(_ level: Logger.Level) {
        self.counts[Self.index(level)].add(1, ordering: .relaxed)
    }

    /// Lines of one severity so far.
    package func count(_ level: Logger.Level) -> Int { self.counts[Self.index(level)].load(ordering: .relaxed) }

    private static func index(_ level: Logger.Level) -> Int {
        switch level {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .notice: 3
        case .warning: 4
        case .error: 5
        case .critical: 6
        }
    }
}
