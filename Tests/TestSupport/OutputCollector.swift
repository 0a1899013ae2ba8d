package import Foundation
import NIOConcurrencyHelpers

/// Collects what a process writes, and wakes whoever waits for a line of it.
package final class OutputCollector: Sendable {
    private struct State {
        var text = ""
        var isFinished = false
        var waiters: [(matches: @Sendable (String) -> Bool, continuation: CheckedContinuation<String?, Never>)] = []
    }

    /// The process ended without the line.
    package struct Ended: Error {}

    private let state = NIOLockedValueBox(State())
    package let pipe = Pipe()

    package init() {
        self.pipe.fileHandleForReading.readabilityHandler = { [state] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            state.withLockedValue { state in
                state.text += String(decoding: data, as: UTF8.self)
                state.isFinished = data.isEmpty
                state.waiters.removeAll { waiter in
                    let line = Self.line(in: state, matching: waiter.matches)
                    guard line != nil || state.isFinished else { return false }
                    waiter.continuation.resume(returning: line)
                    return true
                }
            }
        }
    }

    /// Everything so far.
    package var text: String { self.state.withLockedValue { $0.text } }

    /// The first line that matches, once it is there.
    package func line(_ matches: @escaping @Sendable (String) -> Bool) async throws -> String {
        let line = await withCheckedContinuation { continuation in
            self.state.withLockedValue { state in
                let line = Self.line(in: state, matching: matches)
                if line != nil || state.isFinished {
                    continuation.resume(returning: line)
                } else {
                    state.waiters.append((matches, continuation))
                }
            }
        }
        guard let line else { throw Ended() }
        return line
    }

    /// Returns once the process has closed its side.
    package func finished() async {
        _ = try? await self.line { _ in false }
    }

    private static func line(in state: State, matching: (String) -> Bool) -> String? {
        state.text.split(separator: "\n").map(String.init).first(where: matching)
    }
}
