import NIOCore
import SystemPackage

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How much memory this container has, for the default bound of the embedded store.
enum ContainerMemory {
    private static let largestDefault = 512 * 1024 * 1024
    private static let smallestDefault = 1024 * 1024

    /// A quarter of the container's memory, at most 512 MiB: the rest is for connections, code and the peaks of the allocator.
    static var defaultStoreBytes: Int { min(self.largestDefault, max(self.smallestDefault, self.limitBytes / 4)) }

    /// The least of the control group's limit (version 2, then 1) and the machine's memory.
    private static var limitBytes: Int {
        let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].compactMap(self.number(in:))
        return groups.reduce(machine, min)
    }

    private static func number(in path: String) -> Int? {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly) else { return nil }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 32)
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
        // The file says "max" where there is no limit.
        return Int(String(decoding: bytes[..<count].prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
    }
}
