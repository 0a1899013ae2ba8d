import SystemPackage

#if canImport(Glibc)
import Glibc
private let openFilesResource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
#else
import Darwin
private let openFilesResource = RLIMIT_NOFILE
#endif

/// How many files, sockets included, the process may have open (getrlimit(2)).
package enum OpenFileLimit {
    /// nil if there is no limit.
    package static var current: Int? { self.limits.flatMap { Int(exactly: $0.rlim_cur) } }

    /// Raises the soft limit to the hard one, as servers do: containers often begin with 1,024.
    /// - Returns: how many there may be from now on; nil if there is no limit.
    package static func raise() -> Int? {
        guard var raised = self.limits, raised.rlim_cur < raised.rlim_max else { return self.current }
        raised.rlim_cur = raised.rlim_max
        // If that is refused, the soft limit stays.
        _ = setrlimit(openFilesResource, &raised)
        return self.current
    }

    private static var limits: rlimit? {
        var limits = rlimit()
        return getrlimit(openFilesResource, &limits) == 0 ? limits : nil
    }
}

/// Reads small files whole: keys, passwords, the kernel's own. Blocks its thread.
package enum WholeFile {
    private static let chunkBytes = 16 * 1024

    /// Linear.
    /// - Parameter maximumBytes: the largest file that is read.
    /// - Returns: the file's bytes; nil if it cannot be read to its end or is larger than `maximumBytes`.
    package static func read(_ path: String, maximumBytes: Int) -> [UInt8]? {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        var bytes: [UInt8] = []
        while bytes.count <= maximumBytes {
            let chunk = try? [UInt8](unsafeUninitializedCapacity: Self.chunkBytes) { $1 = try file.read(into: UnsafeMutableRawBufferPointer($0)) }
            guard let chunk else { return nil }
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
        return nil
    }
}
