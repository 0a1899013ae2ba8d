#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The time of day as log lines write it.
enum LogTime {
    /// `2026-11-22T20:09:55.557123Z` (RFC 3339), or with `timeOnly` what stands between `T` and `Z`, to the millisecond.
    static func text(seconds: Int, microseconds: Int, timeOnly: Bool = false) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        let clock = "\(self.digits(Int(parts.tm_hour), 2)):\(self.digits(Int(parts.tm_min), 2)):\(self.digits(Int(parts.tm_sec), 2))"
        guard !timeOnly else { return "\(clock).\(self.digits(microseconds / 1000, 3))" }
        let day = "\(self.digits(Int(parts.tm_year) + 1900, 4))-\(self.digits(Int(parts.tm_mon) + 1, 2))-\(self.digits(Int(parts.tm_mday), 2))"
        return "\(day)T\(clock).\(self.digits(microseconds, 6))Z"
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
