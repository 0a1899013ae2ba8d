import Foundation
import Glibc

/// Two connected descriptors that no child process inherits, so that the end of one is seen at the other.
package struct TestPipe: ~Copyable {
    package let reading: Int32
    package private(set) var writing: Int32

    package init() throws {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw TestProcessError(reason: "no socket pair")
        }
        self.reading = ends[0]
        self.writing = ends[1]
    }

    deinit {
        close(self.reading)
        if self.writing >= 0 { close(self.writing) }
    }

    package mutating func closeWriting() {
        close(self.writing)
        self.writing = -1
    }

    /// Reads to the end of file, on a thread of its own: a task that blocks takes a thread from those that would write.
    package static func text(of reading: Int32) async -> String {
        await withCheckedContinuation { continuation in
            Thread { continuation.resume(returning: Self.blockingText(of: reading)) }.start()
        }
    }

    private static func blockingText(of reading: Int32) -> String {
        var bytes: [UInt8] = []
        while true {
            let chunk = [UInt8](unsafeUninitializedCapacity: 65536) { $1 = max(0, read(reading, $0.baseAddress, $0.count)) }
            guard !chunk.isEmpty else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk
        }
    }
}

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
