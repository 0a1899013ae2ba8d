#if canImport(Glibc)
import Glibc
/// `SCHED_BATCH` of <linux/sched.h>, which glibc shows to C alone.
private let batchPolicy: Int32 = 3
#endif

/// How the kernel shares the processors between the event loops and others (sched(7)). See `docs/decisions/0011-scheduling.md`.
enum EventLoopScheduling: String, Sendable {
    /// An event loop that wakes lets the thread that runs finish its turn, and finds more requests waiting: fewer switches, one system call
    /// of `epoll_wait` for several requests. Where a processor is free, a loop runs at once all the same.
    case batch
    /// An event loop that wakes may take the processor from another thread.
    case normal

    /// Schedules the thread that calls. A thread that runs otherwise only costs more.
    /// - Returns: whether the kernel lets it be.
    func apply() -> Bool {
        #if canImport(Glibc)
        var parameters = sched_param()
        parameters.sched_priority = 0
        return sched_setscheduler(0, self == .batch ? batchPolicy : SCHED_OTHER, &parameters) == 0
        #else
        return self == .normal
        #endif
    }
}
