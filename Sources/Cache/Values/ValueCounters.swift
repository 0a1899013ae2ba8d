import Logging
import Synchronization

/// What was found in envelopes on one event loop, readable from any thread.
package final class ValueCounters: Sendable {
    package enum Event: Int, Sendable, CaseIterable {
        /// A value was answered after its freshness had ended.
        case stale
        /// A value was not answered, because one of its tags has been invalidated since.
        case outdated
        /// An envelope could not be read.
        case unreadable
    }

    private let counts = InlineArray<3, Atomic<Int>> { _ in Atomic(0) }

    func record(_ event: Event) { self.counts[event.rawValue].add(1, ordering: .relaxed) }

    package func count(_ event: Event) -> Int { self.counts[event.rawValue].load(ordering: .relaxed) }
}

/// Says that values cannot be read, once in a while however many there are.
struct UnreadableValueLog {
    /// Nanoseconds.
    private static let interval = 10_000_000_000

    private let logger: Logger
    private var lastLine: Int?
    private var unsaid = 0

    init(_ logger: Logger) { self.logger = logger }

    /// - Parameter now: nanoseconds of the monotonic clock.
    mutating func note(_ fault: EnvelopeFault, now: Int) {
        self.unsaid += 1
        guard self.lastLine.map({ now - $0 >= Self.interval }) ?? true else { return }
        self.logger.warning(
            "stored values cannot be read, and count as absent",
            metadata: ["value.fault": "\(fault)", "values.unreadable": .stringConvertible(self.unsaid)])
        self.lastLine = now
        self.unsaid = 0
    }
}
