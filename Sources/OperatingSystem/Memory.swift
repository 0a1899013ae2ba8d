import CMalloc

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How much memory this container has.
package enum ContainerMemory {
    /// The smallest of the control group's limits (versions 2 and 1) and the machine's memory, in bytes.
    package static var limitBytes: Int {
        let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].compactMap(self.number(in:))
        return groups.reduce(machine, min)
    }

    private static func number(in path: String) -> Int? {
        // The file says "max" if there is no limit.
        WholeFile.read(path, maximumBytes: 64).flatMap { Int(String(decoding: $0.prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)) }
    }
}

/// The allocator's own memory.
package enum HeapMemory {
    /// Returns memory that is free but kept by the allocator to the system (malloc_trim(3)). Takes milliseconds for a large heap, and other
    /// threads wait for their allocations meanwhile: only for after a peak. Does nothing without glibc.
    package static func giveBack() {
        #if os(Linux)
        _ = malloc_trim(0)
        #endif
    }
}
