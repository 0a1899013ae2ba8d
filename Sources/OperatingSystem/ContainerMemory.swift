#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How much memory this container has.
package enum ContainerMemory {
    /// The least of the control group's limit (version 2, then 1) and the machine's memory, in bytes.
    package static var limitBytes: Int {
        let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].compactMap(self.number(in:))
        return groups.reduce(machine, min)
    }

    private static func number(in path: String) -> Int? {
        // The file says "max" where there is no limit.
        WholeFile.read(path, maximumBytes: 64).flatMap { Int(String(decoding: $0.prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)) }
    }
}
