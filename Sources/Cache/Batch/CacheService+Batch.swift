package import NIOCore

extension CacheService {
    /// Carries out a batch, through the connections of `eventLoop` if Redis is configured.
    ///
    /// - Parameters:
    ///   - acceptsCopy: whether reads may be answered with copies of earlier ones.
    ///   - maximumValueBytes: bytes of values that are kept; further values are dropped.
    ///   - holds: told how many more bytes of values are kept; returns whether there is room for them.
    /// - Returns: what became of each operation; nil if nothing was done because there is no room for so many.
    package func batch(
        _ operations: [BatchOperation], acceptsCopy: Bool, maximumValueBytes: Int, on eventLoop: any EventLoop,
        holds: @escaping @Sendable (Int) -> Bool
    ) async -> [BatchOutcome]? {
        let resolver = self.entry(of: eventLoop).resolver
        return await withCheckedContinuation { continuation in
            eventLoop.execute {
                guard resolver.value.store.hasRoom(forBatchOf: operations) else { return continuation.resume(returning: nil) }
                let receiver = BatchContinuation(continuation, holds: holds)
                let collector = BatchCollector(
                    operations, acceptsCopy: acceptsCopy, maximumValueBytes: maximumValueBytes, resolver: resolver.value, receiver: receiver)
                if let outcomes = collector.ask(now: Int(NIODeadline.now().uptimeNanoseconds)) { receiver.batchAnswered(collector, outcomes) }
            }
        }
    }
}

/// Hands what became of a batch to a task that waits for it.
private final class BatchContinuation: BatchReceiver {
    private let continuation: CheckedContinuation<[BatchOutcome]?, Never>
    private let holds: @Sendable (Int) -> Bool

    init(_ continuation: CheckedContinuation<[BatchOutcome]?, Never>, holds: @escaping @Sendable (Int) -> Bool) {
        self.continuation = continuation
        self.holds = holds
    }

    func batchHolds(_ byteCount: Int) -> Bool { self.holds(byteCount) }

    func batchAnswered(_ collector: BatchCollector, _ outcomes: [BatchOutcome]) { self.continuation.resume(returning: outcomes) }
}
