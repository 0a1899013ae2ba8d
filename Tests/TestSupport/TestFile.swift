import Glibc

/// Files of a test.
package enum TestFile {
    /// Writes a text so that no reader sees half of it.
    ///
    /// Not by Foundation, which waits until the disk has it: after a build that can take a minute.
    package static func write(_ text: String, to path: String) throws {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw TestProcessError(reason: "\(temporary) cannot be made") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, rename(temporary, path) == 0 else {
            throw TestProcessError(reason: "\(path) cannot be written")
        }
    }
}
