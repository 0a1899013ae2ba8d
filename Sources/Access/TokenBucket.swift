import Synchronization

/// Limits how often something happens: a number of times a second, with a burst.
///
/// The generic cell rate algorithm (ITU-T I.371): one number, the time at which the bucket would be full again, and one atomic exchange for each
/// request.
package final class TokenBucket: Sendable {
    /// Nanoseconds between two tokens.
    private let interval: Int
    /// How far ahead of the clock that time may be.
    private let tolerance: Int
    private let fullAt = Atomic<Int>(0)

    /// - Parameters:
    ///   - perSecond: 1 to 1,000,000.
    ///   - burst: how many at once, at least 1.
    package init(perSecond: Int, burst: Int) {
        self.interval = 1_000_000_000 / perSecond
        self.tolerance = self.interval * (burst - 1)
    }

    /// Takes a token.
    /// - Parameter now: nanoseconds of the monotonic clock.
    /// - Returns: nil if there was one, else in how many nanoseconds there will be.
    package func take(now: Int) -> Int? {
        var known = self.fullAt.load(ordering: .relaxed)
        while true {
            let fullAt = max(known, now)
            guard fullAt - now <= self.tolerance else { return fullAt - now - self.tolerance }
            let result = self.fullAt.weakCompareExchange(expected: known, desired: fullAt + self.interval, ordering: .relaxed)
            if result.exchanged { return nil }
            known = result.original
        }
    }
}
