import Cache
import CacheAPI
import NIOCore
import Telemetry

/// A batch, as the cache is asked. Whoever asks, for HTTP/1.1 or for a stream of HTTP/2, is its `BatchReceiver`.
struct PendingBatch {
    let operations: [BatchOperation]
    /// Whether reads may be answered with copies of earlier ones.
    let acceptsCopy: Bool
    let requestID: RequestID?
    let start: Int
    let version: WireVersion
    /// nil if the access log has no use for it.
    let trace: TraceContext?
}

extension EventLoopScope {
    /// Whether a batch may be asked for now. Nothing of it is done if not.
    func hasRoom(forBatchOf operations: [BatchOperation]) -> Bool {
        self.limiter.hasRoom(forBatchOf: operations.count) && self.cache.hasRoom(forBatchOf: operations)
    }

    /// A batch waits for the cache, or does so no longer.
    func recordWaiting(_ batch: PendingBatch, began: Bool) {
        self.recordWaiting(began: began)
        self.limiter.batchWaits(operations: began ? batch.operations.count : -batch.operations.count)
    }

    /// Asks the cache for everything in a batch. Returns what became of it, or nil if `receiver` hears it later.
    func ask(_ batch: PendingBatch, now: Int, receiver: any BatchReceiver) -> [BatchOutcome]? {
        let collector = BatchCollector(
            batch.operations, acceptsCopy: batch.acceptsCopy, maximumValueBytes: self.settings.maximumBatchResponseBytes, resolver: self.resolver,
            receiver: receiver)
        return collector.ask(now: now)
    }

    /// The answer to the client; counts and logs it. Its body is a `BatchResults`.
    func answer(_ batch: PendingBatch, _ outcomes: [BatchOutcome]) -> (Answer, AnswerTrailer) {
        let duration = Self.now() - batch.start
        let results = BatchResults(batch.operations, outcomes, maximumBytes: self.settings.maximumBatchResponseBytes) {
            self.counters.record($0, $1, $2, nanoseconds: duration, count: $3)
        }
        let answer = Answer.batch(results)
        let trailer = self.trailer(requestID: batch.requestID, start: batch.start)
        self.httpCounters.record(answer.status, by: .fastLane)
        self.httpCounters.recordBatch(results, operations: batch.operations.count)
        if let log = self.accessLog, log.wants(answer.status, nanoseconds: trailer.processNanoseconds) {
            let entry = AccessLogEntry(
                method: "POST", path: "/cache/batch", status: answer.status, responseBytes: results.count,
                nanoseconds: trailer.processNanoseconds, requestID: trailer.requestID, cacheStatus: answer.cacheStatus, handler: .fastLane,
                version: batch.version, trace: batch.trace)
            log.write(entry, now: batch.start + trailer.processNanoseconds)
        }
        return (answer, trailer)
    }
}
