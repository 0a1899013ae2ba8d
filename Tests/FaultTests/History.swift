import NIOConcurrencyHelpers
import TestSupport

/// What the clients of a trial saw, recorded by many at once.
typealias History = Recording<HistoryEvent>

/// What happens in a trial, recorded by many at once.
final class Recording<Event: Sendable>: Sendable {
    private let origin = ContinuousClock.now
    private let recorded = NIOLockedValueBox<[Event]>([])
    private let lastValue = NIOLockedValueBox(0)

    var events: [Event] { self.recorded.withLockedValue { $0 } }

    /// Milliseconds since the history began.
    var now: Double { Double((ContinuousClock.now - self.origin) / .microseconds(1)) / 1000 }

    /// Sends a request and waits for its answer. Without one its status is 0, and its end never comes.
    func exchange(
        _ request: String, over connection: inout WireClient.Connection
    ) async -> (answer: WireResponse, start: Double, end: Double) {
        let start = self.now
        do {
            try await connection.send(request)
            return (try await connection.response(), start, self.now)
        } catch {
            return (WireResponse(), start, .infinity)
        }
    }

    /// A value that no other write of the history has.
    func uniqueValue() -> Int {
        self.lastValue.withLockedValue { value in
            value += 1
            return value
        }
    }

    func record(_ event: Event) {
        self.recorded.withLockedValue { $0.append(event) }
    }
}

/// One request and its answer, as a client saw them.
struct HistoryEvent: Hashable, Sendable, CustomStringConvertible {
    enum Operation: Hashable, Sendable {
        /// `value`: what was answered; nil for a miss.
        case get(key: String, value: Int?)
        /// Values are unique in a history. `timeToLive` in seconds.
        case set(key: String, value: Int, timeToLive: Int?)
        case delete(key: String)
        /// Every key that begins so.
        case invalidate(prefix: String)
        /// The key ends in so many milliseconds.
        case expire(key: String, milliseconds: Int)
    }

    /// Instead of the number of an instance: a client that asks Redis itself.
    static let foreign = -1

    let instance: Int
    let operation: Operation
    /// When the request was sent, in milliseconds since the history began.
    let start: Double
    /// When the answer was there; infinite if none came.
    let end: Double
    let status: Int
    /// Whether memory answered without Redis (`X-Cache-Degraded`).
    let isDegraded: Bool
    /// Whether a copy answered (`detail=near`).
    var isCopy = false
    /// Whether the client asked for an answer of Redis (`Cache-Control: no-cache`).
    var isDirect = false

    /// When what the operation brings about is true at the latest.
    var effect: Double {
        if case .expire(_, let milliseconds) = self.operation { self.end + Double(milliseconds) } else { self.end }
    }

    /// Whether the client may rely on it. A delete that finds nothing is one all the same.
    var isAcknowledged: Bool {
        switch self.operation {
        case .delete: self.status == 200 || self.status == 404
        case .get, .set, .invalidate, .expire: self.status == 200
        }
    }

    /// Whether it changes what is stored under `key`.
    func changes(_ key: String) -> Bool {
        switch self.operation {
        case .get: false
        case .set(let other, _, _), .delete(let other), .expire(let other, _): other == key
        case .invalidate(let prefix): key.hasPrefix(prefix)
        }
    }

    var description: String {
        let client = self.instance == Self.foreign ? "foreign client" : "instance \(self.instance)"
        let marks = (self.isDegraded ? " degraded" : "") + (self.isCopy ? " copy" : "") + (self.isDirect ? " direct" : "")
        return "\(client): \(self.operation) \(self.status)\(marks) [\(self.start), \(self.end)]"
    }
}
