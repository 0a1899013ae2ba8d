package import NIOCore

/// Pauses between attempts: exponential with full jitter, so that instances that lost the same Redis do not reconnect in lockstep.
///
/// Attempt n waits a random time below min(cap, base * 2^n). Reference: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
package struct ReconnectBackoff: Hashable, Sendable {
    package enum Pace: Hashable, Sendable {
        /// Failed attempts since the last successful connection.
        case attempt(Int)
        /// The peer answers but refuses: trying often cannot help, so the pause is between half of the cap and the cap.
        case capped
    }

    package let base: TimeAmount
    package let cap: TimeAmount

    package init(base: TimeAmount, cap: TimeAmount) {
        self.base = base
        self.cap = cap
    }

    /// - Parameter random: uniform in 0 ..< 1.
    package func pause(_ pace: Pace, random: Double) -> TimeAmount {
        switch pace {
        case .attempt(let number):
            // Beyond 2^20 every base of a millisecond or more is above every cap.
            let factor = Int64(1) << Int64(min(max(number, 0), 20))
            let (scaled, overflow) = self.base.nanoseconds.multipliedReportingOverflow(by: factor)
            let bound = overflow ? self.cap.nanoseconds : min(self.cap.nanoseconds, scaled)
            return .nanoseconds(Int64(Double(bound) * random))
        case .capped:
            return .nanoseconds(Int64(Double(self.cap.nanoseconds) * (0.5 + random / 2)))
        }
    }
}
