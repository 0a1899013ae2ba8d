import SystemPackage

/// Reads small files whole: keys, passwords, what the kernel shows as files. Blocks its thread.
package enum WholeFile {
    private static let chunkBytes = 16 * 1024

    /// Linear.
    /// - Parameter maximumBytes: the largest file that is read.
    /// - Returns: the file's bytes; nil where it cannot be read to its end or is larger than `maximumBytes`.
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
