import OperatingSystem

/// A secret that is never printed: neither in a description, a debug description or a dump, nor through a mirror of a value that contains it.
package struct RedisPassword: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The secret itself; only the handshake reads it.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        self.bytes = Array(text.utf8)
    }

    package init(stringLiteral value: String) {
        self.init(value)
    }
}

extension RedisPassword: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<redacted>" }

    package var debugDescription: String { "<redacted>" }

    package var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}

extension RedisPassword {
    /// A longer file is not a password file.
    private static let maximumBytes = 64 * 1024

    /// Reads a password from a file, without the line breaks at its end. Blocks.
    /// - Throws: a `RedisFailure` that does not quote the content of the file.
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

/// The source of a password that changes, such as an access token. Called for every connection, so it should answer without delay.
package protocol RedisPasswordProvider: Sendable {
    /// - Throws: if no password is available now; the connection is attempted again later.
    func password() async throws -> RedisPassword
}
