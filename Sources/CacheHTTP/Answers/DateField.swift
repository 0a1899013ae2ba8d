import NIOCore

/// The value of the `Date` field, rendered again at most four times a second: rendering costs more than the rest of a small head.
struct DateField {
    private static let refreshInterval: Int = 250_000_000

    private var rendered = ByteBuffer()
    private var refreshAt = Int.min

    /// The value at `now`, nanoseconds of the monotonic clock. It lags the time of day by at most a quarter of a second.
    mutating func value(now: Int) -> ByteBuffer {
        if now >= self.refreshAt {
            self.rendered.clear()
            CivilTime(secondsSince1970: WallClock.now().seconds).writeHTTPDate(into: &self.rendered)
            self.refreshAt = now + Self.refreshInterval
        }
        return self.rendered
    }
}
