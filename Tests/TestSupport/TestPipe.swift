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
