import NIOCore

/// Asks the store of one event loop for the operations of a batch, in their order, and waits for the last answer.
///
/// The token of an operation is its index, so that a batch costs this one object and one array, however many operations it has. All commands leave in the
/// write that the connection makes at the end of the tick. How long the batch takes is bounded by the deadline of single commands.
///
/// Order. Operations on the same key must take effect in their order. A store sees to that for all that it sends, and for all that memory answers; but an
/// outage can begin between two operations of a batch. Then the second would be answered from memory, while the first is still on its way, to fall back
/// on memory afterwards. Such a second operation is asked for again when everything before it has its answer, and so is what follows it.
///
/// Time to live. No result shows it, so a batch that only reads does not ask for it. The exception is a value that somebody computes anew under a lease:
/// how long it may still be answered is known only together with what remains. It is asked for once more. Where something is changed as well, that would
/// come too late, so there the time to live is asked for from the beginning.
///
/// A new time to live depends on what there is, which has to be read first. So in a batch with such an operation no key is asked for while it is under way.
///
/// Memory. Of values that come, no more are kept than the answer has room for, so that a batch cannot make the process hold the values of a thousand keys.
package final class BatchCollector: CacheAnswerReceiver {
    /// So many bytes are kept before the receiver is asked for room again.
    private static let accountingStep = 64 << 10

    package let operations: [BatchOperation]
    private let acceptsCopy: Bool
    private let resolver: ValueResolver
    private let receiver: any BatchReceiver
    private var outcomes: [BatchOutcome]
    /// The operation to be asked for next.
    private var next = 0
    /// When the operations were asked for last, in nanoseconds of the monotonic clock.
    private var asked = 0
    private var outstanding = 0
    private var isAsking = false
    /// Whether nothing is changed.
    private let isOnlyReading: Bool
    /// The reads that have been asked for again, with the time to live.
    private var askedAgain: Set<UInt64> = []
    /// The keys that are asked for; nil if no order beyond that of the store is needed.
    private var keysUnderWay: Set<ByteBuffer>?
    /// Bytes of values that the answer still has room for.
    private var room: Int
    /// Bytes that are kept and that the receiver does not know of.
    private var unaccounted = 0

    /// - Parameters:
    ///   - acceptsCopy: whether reads may be answered with copies of earlier ones.
    ///   - maximumValueBytes: bytes of values that are kept; further values are dropped.
    ///   - resolver: of the store that is asked.
    ///   - receiver: hears of the end, if it does not come at once.
    package init(
        _ operations: [BatchOperation], acceptsCopy: Bool, maximumValueBytes: Int, resolver: ValueResolver, receiver: any BatchReceiver
    ) {
        self.operations = operations
        self.acceptsCopy = acceptsCopy
        self.room = maximumValueBytes
        self.resolver = resolver
        self.receiver = receiver
        self.outcomes = [BatchOutcome](repeating: .waiting, count: operations.count)
        self.isOnlyReading = operations.allSatisfy(\.isRead)
        if operations.contains(where: \.dependsOnValue) { self.keysUnderWay = [] }
    }

    /// Asks for everything. To be called once.
    /// - Parameter now: nanoseconds of the monotonic clock.
    /// - Returns: what became of each operation, or nil if the receiver hears it later.
    package func ask(now: Int) -> [BatchOutcome]? {
        self.askFurther(now: now)
        return self.isComplete ? self.takeOutcomes() : nil
    }

    private var isComplete: Bool { self.outstanding == 0 && self.next == self.operations.count }

    private func takeOutcomes() -> [BatchOutcome] {
        let outcomes = self.outcomes
        self.outcomes = []
        return outcomes
    }

    private func askFurther(now: Int) {
        self.asked = now
        self.isAsking = true
        defer { self.isAsking = false }
        while self.next < self.operations.count {
            let index = self.next
            if let keysUnderWay, keysUnderWay.contains(self.operations[index].key) { return }
            guard let answer = self.ask(self.operations[index], token: UInt64(index), now: now) else {
                self.next += 1
                self.outstanding += 1
                self.keysUnderWay?.insert(self.operations[index].key)
                continue
            }
            if answer.source.isDegraded, self.outstanding > 0, self.isOutstanding(self.operations[index].key, before: index) { return }
            self.next += 1
            self.keep(answer, at: index)
        }
    }

    private func ask(_ operation: BatchOperation, token: UInt64, now: Int) -> CacheAnswer? {
        switch operation.kind {
        case .get:
            self.read(operation.key, wantsTimeToLive: !self.isOnlyReading, token: token, now: now)
        case .set(let value, let ttlSeconds):
            self.store.set(operation.key, value: value, ttlSeconds: ttlSeconds, now: now, token: token, receiver: self)
        case .delete:
            self.store.delete(operation.key, now: now, token: token, receiver: self)
        case .expire(let ttlSeconds):
            ConditionalChange.expire(operation.key, ttlSeconds: ttlSeconds, self.resolver).begin { self.cacheAnswered($0.answer, token: token) }?
                .answer
        }
    }

    private func read(_ key: ByteBuffer, wantsTimeToLive: Bool, token: UInt64, now: Int) -> CacheAnswer? {
        self.store.get(key, acceptsCopy: self.acceptsCopy, wantsTimeToLive: wantsTimeToLive, now: now, token: token, receiver: self)
            .flatMap { self.resolve($0, token) }
    }

    private var store: any CacheStore { self.resolver.store }

    private func resolve(_ answer: CacheAnswer, _ token: UInt64) -> CacheAnswer? {
        self.resolver.resolve(answer, acceptsCopy: self.acceptsCopy, now: self.asked, token: token, receiver: self)
    }

    /// Whether an earlier operation on the same key has no answer yet. O(n), only if a part of the store is away.
    private func isOutstanding(_ key: ByteBuffer, before index: Int) -> Bool {
        for earlier in 0..<index {
            if case .waiting = self.outcomes[earlier], self.operations[earlier].key == key { return true }
        }
        return false
    }

    package func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        guard let resolved = self.resolve(answer, token), let answer = self.askAgain(insteadOf: resolved, token) else { return }
        self.outstanding -= 1
        self.keysUnderWay?.remove(self.operations[Int(token)].key)
        self.keep(answer, at: Int(token))
        // A connection that ends while the batch is being sent answers in the middle of that.
        guard self.outstanding == 0, !self.isAsking else { return }
        if self.next < self.operations.count { self.askFurther(now: Int(NIODeadline.now().uptimeNanoseconds)) }
        if self.isComplete { self.receiver.batchAnswered(self, self.takeOutcomes()) }
    }

    /// - Returns: the answer if it will do, otherwise the one of another read; nil if that comes later.
    private func askAgain(insteadOf answer: CacheAnswer, _ token: UInt64) -> CacheAnswer? {
        guard self.isOnlyReading, answer.isOfUnknownLife, self.askedAgain.insert(token).inserted else { return answer }
        return self.read(
            self.operations[Int(token)].key, wantsTimeToLive: true, token: token, now: Int(NIODeadline.now().uptimeNanoseconds))
    }

    private func keep(_ answer: CacheAnswer, at index: Int) {
        guard case .hit(let value, _, let source) = answer else {
            self.outcomes[index] = .answered(answer)
            return
        }
        self.room -= value.count
        self.unaccounted += value.count
        if self.room >= 0, self.unaccounted >= Self.accountingStep {
            // Without room for this value there is none for what follows either.
            if !self.receiver.batchHolds(self.unaccounted) { self.room = -1 }
            self.unaccounted = 0
        }
        self.outcomes[index] = self.room >= 0 ? .answered(answer) : .valueDropped(source)
    }
}

@available(*, unavailable)
extension BatchCollector: Sendable {}

extension CacheAnswer {
    /// Whether it is a value under a lease, of which nobody can say without the time to live whether it may still be answered.
    fileprivate var isOfUnknownLife: Bool {
        guard case .hit(.envelope(let value), nil, _) = self else { return false }
        return value.envelope.lease != nil
    }
}

/// Whoever asked for a batch.
package protocol BatchReceiver: AnyObject {
    /// So many more bytes of values are held for the batch, until it is answered.
    /// - Returns: whether there is room for them.
    func batchHolds(_ byteCount: Int) -> Bool

    /// The last operation has been answered. Called at most once, on the event loop that asked, after `ask` has returned.
    func batchAnswered(_ collector: BatchCollector, _ outcomes: [BatchOutcome])
}
