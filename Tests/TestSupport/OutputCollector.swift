package import Foundation
import NIOConcurrencyHelpers

/// Collects what a process writes, and wakes whoever waits for a line of it.
package final class OutputCollector: Sendable {
    private struct State {
        var text = ""
        var isFinished = false
        var waiters: [Waiter] = []
    }

    private struct Waiter {
        let matches: @Sendable (String) -> Bool
        let continuation: CheckedContinuation<String?, Never>
    }

    private let state = NIOLockedValueBox(State())

    /// Reads `handle` to its end, on a thread of its own.
    package init(_ handle: FileHandle) {
        let state = self.state
        Thread {
            while true {
                let data = handle.availableData
                state.withLockedValue { Self.take(data, &$0) }
                if data.isEmpty { return }
            }
        }.start()
    }

    private static func take(_ data: Data, _ state: inout State) {
        state.text += String(decoding: data, as: UTF8.self)
        state.isFinished = data.isEmpty
        let waiters = state.waiters
        state.waiters = []
        for waiter in waiters {
            let line = self.line(in: state, matching: waiter.matches)
            if line != nil || state.isFinished {
                waiter.continuation.resume(returning: line)
            } else {
                state.waiters.append(waiter)
            }
        }
    }

    /// Everything so far.
    package var text: String { self.state.withLockedValue { $0.text } }

    /// The first line that matches, once it is there; nil where the process ends without it.
    package func line(_ matches: @escaping @Sendable (String) -> Bool) async -> String? {
        await withCheckedContinuation { continuation in
            self.state.withLockedValue { state in
                let line = Self.line(in: state, matching: matches)
                if line != nil || state.isFinished {
                    continuation.resume(returning: line)
                } else {
                    state.waiters.append(Waiter(matches: matches, continuation: continuation))
                }
            }
        }
    }

    /// Everything, once the process has closed its side.
    package func wholeText() async -> String {
        _ = await self.line { _ in false }
        return self.text
    }

    private static func line(in state: State, matching: (String) -> Bool) -> String? {
        state.text.split(separator: "\n").map(String.init).first(where: matching)
    }
}
