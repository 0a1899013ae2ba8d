#if canImport(Glibc)
import Glibc
private let systemRead = Glibc.read
#else
import Darwin
private let systemRead = Darwin.read
#endif

/// Reads small files. Blocks its thread.
package enum WholeFile {
    /// The most that is read.
    private static let maximumBytes = 16 * 1024 * 1024

    /// The bytes of the file at `path`; nil where it cannot be read or is too large.
    package static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        while bytes.count <= self.maximumBytes {
            let chunk = [UInt8](unsafeUninitializedCapacity: 256 * 1024) { $1 = max(0, systemRead(file, $0.baseAddress, $0.count)) }
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
        return nil
    }
}
