#if canImport(Glibc)
import Glibc
private let openFilesResource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
#else
import Darwin
private let openFilesResource = RLIMIT_NOFILE
#endif

/// How many files, sockets included, the process may have open.
enum OpenFiles {
    /// What the process needs besides its clients' connections: listening, Redis, event loops, files.
    static let reserve = 64

    /// Raises the soft limit to the hard one, as servers do: containers often begin with 1,024.
    /// - Returns: how many there may be.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(openFilesResource, &limit) == 0 else { return .max }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(openFilesResource, &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
