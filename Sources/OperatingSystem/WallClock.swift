#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The time of day, for people: answers, log lines, the dashboard. It may jump; durations are measured with the monotonic clock.
package enum WallClock {
    /// Seconds since 1970 and microseconds of the second, UTC.
    package static func now() -> (seconds: Int, microseconds: Int) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (Int(time.tv_sec), Int(time.tv_nsec) / 1000)
    }
}
