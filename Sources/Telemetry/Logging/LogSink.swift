import NIOPosix
import Synchronization

#if canImport(Glibc)
import Glibc
private let systemWrite = Glibc.write
#else
import Darwin
private let systemWrite = Darwin.write
#endif

/// Takes log lines from any thread and writes them to a file descriptor from a thread of its own, in their order.
///
/// Logging never waits for the reader of the log: lines are kept up to a limit, and what exceeds it is dropped and counted. The next line that finds
/// room is preceded by one that says how many are missing.
package final class LogSink: Sendable {
    private struct State {
        var pending: [UInt8] = []
        var isDraining = false
        var droppedSinceLastLine = 0
        var dropped = 0
    }

    private let descriptor: Int32
    private let maximumBytes: Int
    private let lossLine: @Sendable (Int) -> [UInt8]
    private let state = Mutex(State())
    private let thread = NIOThreadPool(numberOfThreads: 1)

    /// - Parameters:
    ///   - descriptor: where the lines go; not closed.
    ///   - maximumBytes: how much may wait to be written.
    ///   - lossLine: the line that reports how many lines were dropped.
    package init(descriptor: Int32, maximumBytes: Int, lossLine: @escaping @Sendable (Int) -> [UInt8]) {
        self.descriptor = descriptor
        self.maximumBytes = maximumBytes
        self.lossLine = lossLine
        self.thread.start()
    }

    /// Lines dropped so far.
    package var dropped: Int { self.state.withLock { $0.dropped } }

    /// Takes one line, which ends in a line feed. Never waits for the descriptor.
    package func write(_ line: [UInt8]) {
        let mustDrain = self.state.withLock { state in
            guard state.pending.count + line.count <= self.maximumBytes else {
                state.dropped += 1
                state.droppedSinceLastLine += 1
                return false
            }
            if state.droppedSinceLastLine > 0 {
                state.pending += self.lossLine(state.droppedSinceLastLine)
                state.droppedSinceLastLine = 0
            }
            state.pending += line
            guard !state.isDraining else { return false }
            state.isDraining = true
            return true
        }
        // If the thread has already ended, the item runs here: the last lines of a process are written by their callers.
        if mustDrain { self.thread.submit { _ in self.drain() } }
    }

    /// Ends the thread when everything has been written.
    package func close() async {
        try? await self.thread.shutdownGracefully()
    }

    private func drain() {
        while true {
            let bytes = self.state.withLock { state in
                let bytes = state.pending
                state.pending = []
                if bytes.isEmpty { state.isDraining = false }
                return bytes
            }
            guard !bytes.isEmpty else { return }
            self.writeAll(bytes)
        }
    }

    /// If the descriptor no longer accepts anything, the lines are lost: there is nowhere to report that.
    private func writeAll(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
                let count = systemWrite(self.descriptor, base, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    var waiting = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&waiting, 1, -1)
                } else if errno != EINTR {
                    return
                }
            }
        }
    }
}
