import Backoff
import NIOCore

/// When to replace what expires, as a value: access tokens, signing keys.
///
/// It is replaced when a tenth of its life is left, at least five minutes if it lives that long: Google's libraries leave about as much. A failed
/// fetch is repeated with backoff; the old one stays in use meanwhile.
struct RefreshSchedule: Hashable {
    private static let leastReserveSeconds = 300.0
    private static let backoff = JitteredBackoff(base: .seconds(1), cap: .seconds(60), jitter: .half)

    private var failures = 0

    /// - Returns: seconds until the next fetch.
    mutating func fetched(lifetimeSeconds: Int) -> Double {
        self.failures = 0
        let lifetime = Double(lifetimeSeconds)
        let reserve = max(lifetime / 10, min(Self.leastReserveSeconds, lifetime / 2))
        return lifetime - reserve
    }

    /// - Parameter random: uniform in 0 ..< 1.
    /// - Returns: seconds until the next fetch.
    mutating func failed(random: Double) -> Double {
        defer { self.failures += 1 }
        return Self.backoff.pause(.attempt(self.failures), random: random).inSeconds
    }
}
