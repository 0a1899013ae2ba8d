import Cache
import CacheAPI
import NIOCore

/// Batches: asked for as one, and answered in pieces if the answer is long.
extension FastLane {
    /// Asks the cache for a batch that has been taken out of the input.
    func take(_ batch: PendingBatch, token: UInt64) {
        if let outcomes = self.scope.ask(batch, now: self.now, receiver: self) { return self.write(batch, outcomes) }
        self.pendingBatch = (batch, token)
        self.scope.recordWaiting(batch, began: true)
        self.machine.cacheAnswersLater(token: token)
    }

    private func write(_ batch: PendingBatch, _ outcomes: [BatchOutcome]) {
        let (answer, trailer) = self.scope.answer(batch, outcomes)
        guard case .batch(let results) = answer.body else { return }
        self.now = batch.start + trailer.processNanoseconds
        self.output.append(
            results, answer, trailer, isLast: self.machine.isDraining, maximumCount: self.scope.settings.maximumUnsentBytes)
        if self.output.hasRest { self.machine.answerBegun() } else { self.perform(self.machine.answerWritten(now: self.now)) }
        guard self.heldBytes > 0 || self.output.hasRest else { return }
        // What has been held for the batch is now the rest of the answer.
        self.heldBytes = 0
        self.countUnsent()
    }

    /// Sends as much of an answer that is begun as the client reads. Returns whether that was its end, so that the next request may be taken.
    func sendRest(_ context: ChannelHandlerContext) -> Bool {
        while self.output.hasRest, context.channel.isWritable {
            self.output.writePiece(of: self.scope.settings.maximumUnsentBytes)
            self.flushOutput(context)
        }
        self.countUnsent()
        guard !self.output.hasRest, self.machine.answerEnded() else { return false }
        self.perform(self.machine.answerWritten(now: self.now))
        return true
    }

    /// The client is gone: what the batch brings is dropped.
    func forgetBatch() {
        self.heldBytes = 0
        guard let (batch, _) = self.pendingBatch else { return }
        self.pendingBatch = nil
        self.scope.recordWaiting(batch, began: false)
    }
}

extension FastLane: BatchReceiver {
    func batchHolds(_ byteCount: Int) -> Bool {
        guard self.account.isOpen else { return false }
        self.heldBytes += byteCount
        self.countUnsent()
        return !self.scope.limiter.isUnsentFull
    }

    func batchAnswered(_ collector: BatchCollector, _ outcomes: [BatchOutcome]) {
        guard let context = self.channel.context, let (batch, token) = self.pendingBatch, self.machine.cacheAnswered(token: token) else { return }
        self.pendingBatch = nil
        self.scope.recordWaiting(batch, began: false)
        self.write(batch, outcomes)
        self.pass(context)
    }
}
