package import MemoryStore
import NIOCore

extension MonotonicTime {
    /// A reading of the monotonic clock, as callers on an event loop have it already.
    init(nanoseconds: Int) {
        self.init(milliseconds: Int64(nanoseconds / 1_000_000))
    }

    /// Now, on the clock that entries expire by.
    package static var now: MonotonicTime { MonotonicTime(nanoseconds: Int(NIODeadline.now().uptimeNanoseconds)) }
}
