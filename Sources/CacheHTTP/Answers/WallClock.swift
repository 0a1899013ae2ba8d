#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The time of day, for the fields that show it to people.
enum WallClock {
    /// Seconds since 1970 and microseconds of the second, UTC.
    static func now() -> (seconds: Int, microseconds: Int) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (time.tv_sec, time.tv_nsec / 1000)
    }
}
