import NIOConcurrencyHelpers

/// What the clients of a trial saw, recorded by many at once.
final class History: Sendable {
    private let origin = ContinuousClock.now
    private let recorded = NIOLockedValueBox<[HistoryEvent]>([])
    private let lastValue = NIOLockedValueBox(0)

    var events: [HistoryEvent] { self.recorded.withLockedValue { $0 } }

    /// Milliseconds since the history began.
    var now: Double { Double((ContinuousClock.now - self.origin) / .microseconds(1)) / 1000 }

    /// A value that no other write of the history has.
    func uniqueValue() -> Int {
        self.lastValue.withLockedValue { value in
            value += 1
            return value
        }
    }

    func record(_ event: HistoryEvent) {
        self.recorded.withLockedValue { $0.append(event) }
    }
}
