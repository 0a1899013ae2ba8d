import Glibc

extension RedisPassword {
    /// No password is longer; a file that is cannot be one.
    private static let maximumBytes = 64 * 1024

    /// Reads a password from a file, without the line breaks at its end. Blocks.
    /// - Throws: `RedisFailure` that does not name the file's content.
    package init(file path: String) throws(RedisFailure) {
        guard var bytes = Self.contents(of: path) else {
            throw RedisFailure(.authenticationFailed, "the file with the password cannot be read")
        }
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty, bytes.count <= Self.maximumBytes else {
            throw RedisFailure(.authenticationFailed, "the file with the password is empty or far too long")
        }
        self.init(bytes: bytes)
    }

    private static func contents(of path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= self.maximumBytes {
            let count = read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { return nil }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}
