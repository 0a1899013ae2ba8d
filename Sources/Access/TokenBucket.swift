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

    /// Takes a token, or several, or none at all.
    ///
    /// More than the bucket ever holds are given if it is full but for one, and the next one takes the longer: otherwise they could never be had. The
    /// one is that of the request that asks for them, which has been taken before.
    ///
    /// - Parameters:
    ///   - count: at least 1.
    ///   - now: nanoseconds of the monotonic clock.
    /// - Returns: nil if there were so many, else in how many nanoseconds there will be.
    package func take(_ count: Int = 1, now: Int) -> Int? {
        let tolerance = max(count > 1 ? min(self.interval, self.tolerance) : 0, self.tolerance - (count - 1) * self.interval)
        var known = self.fullAt.load(ordering: .relaxed)
        while true {
            let fullAt = max(known, now)
            guard fullAt - now <= tolerance else { return fullAt - now - tolerance }
            let result = self.fullAt.weakCompareExchange(expected: known, desired: fullAt + count * self.interval, ordering: .relaxed)
            if result.exchanged { return nil }
            known = result.original
        }
    }
}
