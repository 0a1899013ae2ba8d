/// Which answers get a line in the log.
package struct AccessLogSettings: Sendable, Hashable {
    package enum Mode: String, Sendable {
        case off
        /// One in `sampleInterval`.
        case sampled
        /// Those that took `slowNanoseconds` or more, and those with a status of 500 or more.
        case slowAndErrors = "slow-and-errors"
        case all
    }

    package var mode = Mode.slowAndErrors
    /// 1 to 1,000,000.
    package var sampleInterval = 100
    /// 0 to 60 s.
    package var slowNanoseconds = 50_000_000
    /// Lines beyond it are counted and not written. 1 to 100,000.
    package var maximumLinesPerSecond = 50

    package init() {}
}
