#if canImport(Glibc)
import Glibc
private let openFilesResource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
#else
import Darwin
private let openFilesResource = RLIMIT_NOFILE
#endif

/// How many files, sockets included, the process may have open (getrlimit(2)).
package enum OpenFileLimit {
    /// nil where there is no limit.
    package static var current: Int? { self.limits.flatMap { Int(exactly: $0.rlim_cur) } }

    /// Raises the soft limit to the hard one, as servers do: containers often begin with 1,024.
    /// - Returns: how many there may be from now on; nil where there is no limit.
    package static func raise() -> Int? {
        guard var raised = self.limits, raised.rlim_cur < raised.rlim_max else { return self.current }
        raised.rlim_cur = raised.rlim_max
        // Where that is refused, the soft limit stays.
        _ = setrlimit(openFilesResource, &raised)
        return self.current
    }

    private static var limits: rlimit? {
        var limits = rlimit()
        return getrlimit(openFilesResource, &limits) == 0 ? limits : nil
    }
}
