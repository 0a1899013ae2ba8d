import OperatingSystem

extension RedisPassword {
    /// No password is longer; a file that is cannot be one.
    private static let maximumBytes = 64 * 1024

    /// Reads a password from a file, without the line breaks at its end. Blocks.
    /// - Throws: `RedisFailure` that does not name the file's content.
    package init(file path: String) throws(RedisFailure) {
        guard var bytes = WholeFile.read(path, maximumBytes: Self.maximumBytes) else {
            throw RedisFailure(.authenticationFailed, "the file with the password cannot be read or is far too long")
        }
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty else {
            throw RedisFailure(.authenticationFailed, "the file with the password is empty")
        }
        self.init(bytes: bytes)
    }
}
