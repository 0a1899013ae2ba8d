/// Hands the answer of an event loop to a task that waits for it.
final class ContinuationReceiver: CacheAnswerReceiver {
    private let continuation: CheckedContinuation<CacheAnswer, Never>

    init(_ continuation: CheckedContinuation<CacheAnswer, Never>) {
        self.continuation = continuation
    }

    func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        self.continuation.resume(returning: answer)
    }
}
