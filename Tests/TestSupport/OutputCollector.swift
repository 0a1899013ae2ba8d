package import Foundation
import NIOConcurrencyHelpers

/// Collects what a process writes, and wakes whoever waits for a line of it.
package final class OutputCollector: Sendable {
    private struct State {
        var text = ""
        var isFinished = false
        var waiters: [Waiter] = []
        var waiterCount = 0
    }

    private struct Waiter {
        let number: Int
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

    /// The first line that matches, once it is there; nil if the process ends without it, or does not write it in time.
    package func line(_ matches: @escaping @Sendable (String) -> Bool) async -> String? {
        await withCheckedContinuation { continuation in
            let number: Int? = self.state.withLockedValue { state in
                let line = Self.line(in: state, matching: matches)
                guard line == nil, !state.isFinished else {
                    continuation.resume(returning: line)
                    return nil
                }
                state.waiterCount += 1
                state.waiters.append(Waiter(number: state.waiterCount, matches: matches, continuation: continuation))
                return state.waiterCount
            }
            guard let number else { return }
            Task {
                try await Task.sleep(for: patience)
                self.giveUp(number)
            }
        }
    }

    private func giveUp(_ number: Int) {
        self.state.withLockedValue { state in
            guard let index = state.waiters.firstIndex(where: { $0.number == number }) else { return }
            state.waiters.remove(at: index).continuation.resume(returning: nil)
        }
    }

    /// Everything, once the process has closed its side. If it does not in time, everything until then.
    package func wholeText() async -> String {
        _ = await self.line { _ in false }
        return self.text
    }

    private static func line(in state: State, matching: (String) -> Bool) -> String? {
        state.text.split(separator: "\n").map(String.init).first(where: matching)
    }
}
