/// A point in time in milliseconds on a monotonic clock.
///
/// The store never reads a clock: every operation is given the time. The origin is the caller's choice, and any `Int64` is a valid time.
package struct MonotonicTime: Comparable, Hashable, Sendable {
    /// Milliseconds since the clock's origin.
    package var milliseconds: Int64

    /// - Parameter milliseconds: since the clock's origin; any value.
    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The time `duration` milliseconds later (earlier if negative); the farthest representable time where that would overflow.
    package func advanced(byMilliseconds duration: Int64) -> MonotonicTime {
        let (sum, overflow) = milliseconds.addingReportingOverflow(duration)
        return MonotonicTime(milliseconds: overflow ? (duration < 0 ? .min : .max) : sum)
    }

    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.milliseconds < right.milliseconds
    }
}
