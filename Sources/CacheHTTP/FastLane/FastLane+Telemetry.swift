import Cache
import NIOCore
import Telemetry

/// What the lane counts and logs of its answers.
extension FastLane {
    /// Counts an answer, and logs it if that is wanted.
    func count(_ request: PendingRequest, _ answer: Answer, _ trailer: AnswerTrailer) {
        self.scope.httpCounters.record(answer.status, by: .fastLane)
        answer.record(request.method.operation, nanoseconds: trailer.processNanoseconds, in: self.scope.counters)
        guard let log = self.scope.accessLog, log.wants(answer.status, nanoseconds: trailer.processNanoseconds) else { return }
        log.write(self.logEntry(request, answer, trailer), now: request.start + trailer.processNanoseconds)
    }

    private func logEntry(_ request: PendingRequest, _ answer: Answer, _ trailer: AnswerTrailer) -> AccessLogEntry {
        let key = request.method == .post ? "" : "/" + AccessLogEntry.shortened(request.key.readableBytesView)
        return AccessLogEntry(
            method: request.method.name, path: "/cache" + key, status: answer.status, responseBytes: answer.body.count,
            nanoseconds: trailer.processNanoseconds, requestID: trailer.requestID, cacheStatus: answer.cacheStatus, handler: .fastLane,
            trace: request.trace)
    }

    /// The request's trace; not even looked for if no line of the log may need it.
    func trace(of request: KeyRequest) -> TraceContext? {
        guard self.scope.accessLog != nil, let field = request.trace else { return nil }
        return self.input.withUnsafeReadableBytes { RequestJudge.trace(field, in: $0) }
    }
}

extension RequestMethod {
    /// The operation on a key that the method stands for.
    var operation: CacheOperation {
        switch self {
        case .get, .other: .get
        case .post: .set
        case .delete: .delete
        }
    }

    /// The method's name.
    var name: String {
        switch self {
        case .get: "GET"
        case .post: "POST"
        case .delete: "DELETE"
        case .other: "OTHER"
        }
    }
}
