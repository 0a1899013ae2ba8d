/// When what expires is fetched anew, as a value: access tokens, signing keys.
///
/// It is replaced when a tenth of its life is left, at least five minutes if it lives that long: Google's libraries leave about as much. A fetch
/// that failed is repeated after pauses that double, at random between half and all; the old one serves meanwhile.
struct RefreshSchedule: Hashable {
    private static let leastReserveSeconds = 300.0
    private static let firstPauseSeconds = 1.0
    private static let longestPauseSeconds = 60.0

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
        let bound = min(Self.longestPauseSeconds, Self.firstPauseSeconds * Double(1 << min(self.failures, 10)))
        self.failures += 1
        return bound * (0.5 + random / 2)
    }
}
