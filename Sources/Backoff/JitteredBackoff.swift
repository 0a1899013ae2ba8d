package import NIOCore

/// Pauses between attempts: exponential with jitter, so that the instances of a fleet that lost the same peer do not come back in step.
///
/// The bound of attempt n is min(cap, base * 2^n). Reference: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
package struct JitteredBackoff: Hashable, Sendable {
    package enum Jitter: Hashable, Sendable {
        /// Anywhere below the bound.
        case full
        /// Between half of the bound and the bound: no attempt follows at once.
        case half
    }

    package enum Pace: Hashable, Sendable {
        /// How many attempts have failed since the last success.
        case attempt(Int)
        /// The peer answers but refuses: asking often cannot help, so the pause is between half of the cap and the cap.
        case capped
    }

    package let base: TimeAmount
    package let cap: TimeAmount
    package let jitter: Jitter

    package init(base: TimeAmount, cap: TimeAmount, jitter: Jitter = .full) {
        self.base = base
        self.cap = cap
        self.jitter = jitter
    }

    /// - Parameter random: uniform in 0 ..< 1.
    package func pause(_ pace: Pace, random: Double) -> TimeAmount {
        switch (pace, self.jitter) {
        case (.attempt(let number), .full): .nanoseconds(Int64(Double(self.bound(number)) * random))
        case (.attempt(let number), .half): .nanoseconds(Int64(Double(self.bound(number)) * (0.5 + random / 2)))
        case (.capped, _): .nanoseconds(Int64(Double(self.cap.nanoseconds) * (0.5 + random / 2)))
        }
    }

    private func bound(_ number: Int) -> Int64 {
        // Beyond 2^20 every base of a millisecond or more is above every cap.
        let factor = Int64(1) << Int64(min(max(number, 0), 20))
        let (scaled, overflow) = self.base.nanoseconds.multipliedReportingOverflow(by: factor)
        return overflow ? self.cap.nanoseconds : min(self.cap.nanoseconds, scaled)
    }
}

extension TimeAmount {
    package var inSeconds: Double { Double(self.nanoseconds) / 1e9 }
}
