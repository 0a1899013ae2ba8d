import Cache
import CacheAPI
import DequeModule
import NIOCore
import NIOHTTP2

/// The batches of a connection: those that are with the cache, and those whose answers are begun.
///
/// A long answer is written piece by piece, as far as the client takes what was written before. What it holds until then counts as unsent.
struct HTTP2Batches {
    private struct Rest {
        let id: HTTP2StreamID
        var writer: BatchAnswerWriter
    }

    private var pending: [HTTP2StreamID: HTTP2Batch] = [:]
    /// Answers whose heads are written, in the order of those.
    private var rests: Deque<Rest> = []

    /// Bytes of values that have come, and of answers that are not written yet. O(batches).
    var heldBytes: Int {
        self.pending.values.reduce(0) { $0 + $1.heldBytes } + self.rests.reduce(0) { $0 + $1.writer.remainingCount }
    }

    var isEmpty: Bool { self.pending.isEmpty && self.rests.isEmpty }

    /// Whether there is something to write.
    var hasRest: Bool { !self.rests.isEmpty }

    /// The cache answers a batch later.
    mutating func add(_ batch: HTTP2Batch) { self.pending[batch.id] = batch }

    /// The cache has answered. Returns false if the client has given the batch up.
    mutating func answered(_ batch: HTTP2Batch) -> Bool { self.pending.removeValue(forKey: batch.id) != nil }

    /// The head of an answer is written.
    mutating func begin(_ results: BatchResults, on id: HTTP2StreamID) { self.rests.append(Rest(id: id, writer: BatchAnswerWriter(results))) }

    /// The next piece of the answer that was begun first, at least one byte of it; nil if no answer is begun.
    mutating func nextPiece(of maximumBytes: Int) -> (id: HTTP2StreamID, bytes: ByteBuffer, isEnd: Bool)? {
        guard var rest = self.rests.popFirst() else { return nil }
        var bytes = ByteBuffer()
        rest.writer.writePiece(of: maximumBytes, into: &bytes)
        if !rest.writer.isFinished { self.rests.append(rest) }
        return (rest.id, bytes, rest.writer.isFinished)
    }

    /// The stream is closed. Returns the batch that was with the cache.
    mutating func remove(_ id: HTTP2StreamID) -> PendingBatch? {
        self.rests.removeAll { $0.id == id }
        return self.pending.removeValue(forKey: id)?.batch
    }

    /// The connection is gone. Returns the batches that were with the cache.
    mutating func removeAll() -> [PendingBatch] {
        self.rests = []
        defer { self.pending = [:] }
        return self.pending.values.map(\.batch)
    }
}

/// A batch that is with the cache, and the stream that gets the answer.
final class HTTP2Batch: BatchReceiver {
    let id: HTTP2StreamID
    let batch: PendingBatch
    /// Bytes of values that have come.
    private(set) var heldBytes = 0
    private weak var lane: HTTP2Lane?

    init(_ batch: PendingBatch, on id: HTTP2StreamID, of lane: HTTP2Lane) {
        self.batch = batch
        self.id = id
        self.lane = lane
    }

    func batchHolds(_ byteCount: Int) -> Bool {
        guard let lane = self.lane else { return false }
        self.heldBytes += byteCount
        return lane.hasRoomForHeldBytes()
    }

    func batchAnswered(_ collector: BatchCollector, _ outcomes: [BatchOutcome]) { self.lane?.answered(self, outcomes) }
}

/// What the lane does about batches.
extension HTTP2Lane {
    /// Asks the cache for a batch.
    func take(_ batch: PendingBatch, on id: HTTP2StreamID) {
        let stream = HTTP2Batch(batch, on: id, of: self)
        // Known before the cache is asked, which may say that values have come before it says that it answers later.
        self.batches.add(stream)
        if let outcomes = self.scope.ask(batch, now: self.connection.now, receiver: stream) {
            _ = self.batches.answered(stream)
            self.write(batch, outcomes, on: id)
        } else {
            self.scope.recordWaiting(batch, began: true)
        }
    }

    /// Whether there is room for the values that batches hold: that of one answer on each connection, and that of the process.
    fileprivate func hasRoomForHeldBytes() -> Bool {
        guard self.connection.isOpen else { return false }
        let held = self.batches.heldBytes
        self.connection.holds(answerBytes: held)
        return held <= self.scope.settings.maximumBatchResponseBytes && !self.scope.limiter.isUnsentFull
    }

    fileprivate func answered(_ stream: HTTP2Batch, _ outcomes: [BatchOutcome]) {
        guard self.batches.answered(stream) else { return }
        self.scope.recordWaiting(stream.batch, began: false)
        self.write(stream.batch, outcomes, on: stream.id)
        self.goOnSoon()
    }

    private func write(_ batch: PendingBatch, _ outcomes: [BatchOutcome], on id: HTTP2StreamID) {
        let (answer, trailer) = self.scope.answer(batch, outcomes)
        guard case .batch(let results) = answer.body else { return }
        self.connection.now = batch.start + trailer.processNanoseconds
        if results.count <= self.scope.settings.maximumUnsentBytes {
            self.append(answer, trailer, on: id)
        } else {
            self.connection.answered()
            self.connection.streams.wrote(0, isEnd: false, on: id)
            self.connection.send(.headers(self.scope.answerFields.head(answer, trailer)), on: id)
            self.batches.begin(results, on: id)
        }
        self.connection.holds(answerBytes: self.batches.heldBytes)
    }

    /// Writes as much of the answers that are begun as the client takes.
    func writeRests() {
        guard self.batches.hasRest else { return }
        while !self.connection.mustWait, let piece = self.batches.nextPiece(of: self.scope.settings.maximumUnsentBytes) {
            self.connection.answered()
            self.connection.streams.wrote(piece.bytes.readableBytes, isEnd: piece.isEnd, on: piece.id)
            self.connection.send(.data(.init(data: .byteBuffer(piece.bytes), endStream: piece.isEnd)), on: piece.id)
        }
        self.connection.holds(answerBytes: self.batches.heldBytes)
    }

    /// The client does not want the answer.
    func forgetBatch(on id: HTTP2StreamID) {
        guard !self.batches.isEmpty else { return }
        if let batch = self.batches.remove(id) { self.scope.recordWaiting(batch, began: false) }
        self.connection.holds(answerBytes: self.batches.heldBytes)
    }

    /// The client is gone.
    func forgetBatches() {
        for batch in self.batches.removeAll() { self.scope.recordWaiting(batch, began: false) }
    }
}
