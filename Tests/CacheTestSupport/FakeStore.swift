package import Cache
package import NIOCore

/// A store that does as a test says: it answers at once, later, or never, and remembers what it was asked.
package final class FakeStore: CacheStore {
    /// One operation, as text: `GET key`, `GET key, no copy`, `SET key value`, `SET key value EX 60`, `DELETE key`,
    /// `CREATE key value none`, `LEASE key 5000`, `REPLACE key expected value milliseconds(60000)`, `REMOVE key expected`, `EXPIRE key kept`.
    package typealias Operation = String

    private struct Waiting {
        let operation: Operation
        let token: UInt64
        let receiver: any CacheAnswerReceiver
    }

    /// Every operation so far.
    package private(set) var operations: [Operation] = []
    /// The keys of the reads that have no use for the time to live.
    package private(set) var keysReadWithoutTimeToLive: [String] = []
    /// What an operation is answered with at once; nil lets it wait for `answer`. By default every operation waits.
    package var answerAtOnce: (Operation) -> CacheAnswer? = { _ in nil }
    /// Whether a batch finds room.
    package var hasRoomForBatches = true
    private var waiting: [Waiting] = []

    package init() {}

    /// The operations that have no answer yet, the oldest first.
    package var waitingOperations: [Operation] { self.waiting.map(\.operation) }

    /// Answers an operation that waits: the oldest, unless `index` says otherwise.
    package func answer(_ answer: CacheAnswer, at index: Int = 0) {
        let operation = self.waiting.remove(at: index)
        operation.receiver.cacheAnswered(answer, token: operation.token)
    }

    package func get(
        _ key: ByteBuffer, acceptsCopy: Bool, wantsTimeToLive: Bool, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        if !wantsTimeToLive { self.keysReadWithoutTimeToLive.append(String(buffer: key)) }
        return self.take("GET \(String(buffer: key))\(acceptsCopy ? "" : ", no copy")", token, receiver)
    }

    package func set(
        _ key: ByteBuffer, value: ByteBuffer, ttlSeconds: Int64?, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        self.take("SET \(String(buffer: key)) \(String(buffer: value))\(ttlSeconds.map { " EX \($0)" } ?? "")", token, receiver)
    }

    package func delete(_ key: ByteBuffer, now: Int, token: UInt64, receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        self.take("DELETE \(String(buffer: key))", token, receiver)
    }

    package func change(
        _ key: ByteBuffer, _ change: CacheChange, whileAway: ChangeWhileAway, now: Int, token: UInt64, receiver: any CacheAnswerReceiver
    ) -> CacheAnswer? {
        let key = String(buffer: key)
        return switch change {
        case .create(let value, let ttl): self.take("CREATE \(key) \(String(buffer: value)) \(ttl)", token, receiver)
        case .lease(_, let milliseconds): self.take("LEASE \(key) \(milliseconds)", token, receiver)
        case .replace(let expected, let value, let ttl):
            self.take("REPLACE \(key) \(String(buffer: expected)) \(String(buffer: value)) \(ttl)", token, receiver)
        case .remove(let expected): self.take("REMOVE \(key) \(String(buffer: expected))", token, receiver)
        case .expire(let ttl, _): self.take("EXPIRE \(key) \(ttl)", token, receiver)
        case .prolong(let milliseconds): self.take("PROLONG \(key) \(milliseconds)", token, receiver)
        }
    }

    package func hasRoom(forBatchOf operations: [BatchOperation]) -> Bool { self.hasRoomForBatches }

    private func take(_ operation: Operation, _ token: UInt64, _ receiver: any CacheAnswerReceiver) -> CacheAnswer? {
        self.operations.append(operation)
        if let answer = self.answerAtOnce(operation) { return answer }
        self.waiting.append(Waiting(operation: operation, token: token, receiver: receiver))
        return nil
    }
}

@available(*, unavailable)
extension FakeStore: Sendable {}

/// Remembers what a store answers, as text.
package final class RecordingAnswers: CacheAnswerReceiver {
    /// `token: answer`, in the order of the answers.
    package private(set) var answers: [String] = []

    package init() {}

    package func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        self.answers.append("\(token): \(answer.text)")
    }
}

@available(*, unavailable)
extension RecordingAnswers: Sendable {}

extension CacheAnswer {
    /// The answer in words, e.g. `hit v ttl=1500 redis`, for comparison in a test.
    package var text: String {
        switch self {
        case .hit(let value, let remaining, let source):
            var buffer = ByteBuffer()
            value.withBytes { _ = buffer.writeBytes($0) }
            return "hit \(String(buffer: buffer)) ttl=\(remaining.map { "\($0)" } ?? "none") \(source)"
        case .miss(let source): return "miss \(source)"
        case .stored(let source): return "stored \(source)"
        case .deleted(let source): return "deleted \(source)"
        case .refused(let refusal, let source): return "refused \(refusal) \(source)"
        case .conflict(let source): return "conflict \(source)"
        case .unavailable(let source): return "unavailable \(source)"
        }
    }
}
