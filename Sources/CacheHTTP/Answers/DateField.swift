import OperatingSystem

/// The value of the `Date` field, rendered again at most four times a second: rendering costs more than the rest of a small head.
struct DateField {
    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    typealias Text = InlineArray<29, UInt8>

    private static let refreshInterval = 250_000_000

    private var rendered = Text(repeating: UInt8(ascii: " "))
    private var refreshAt = Int.min

    /// The value at `now`, nanoseconds of the monotonic clock. It lags the time of day by at most a quarter of a second.
    mutating func value(now: Int) -> Text {
        if now >= self.refreshAt {
            withUnsafeMutableBytes(of: &self.rendered) { memory in
                var cursor = ByteCursor(memory)
                CivilTime(secondsSince1970: WallClock.now().seconds).writeHTTPDate(into: &cursor)
            }
            self.refreshAt = now + Self.refreshInterval
        }
        return self.rendered
    }
}
