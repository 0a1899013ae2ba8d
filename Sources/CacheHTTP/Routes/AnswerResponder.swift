import Cache
import HTTPTypes
import Hummingbird
import NIOCore
import Telemetry

/// Turns what a route decided into Hummingbird's response, with the fields that every answer carries, and counts it.
struct AnswerResponder: Sendable {
    let counters: OperationCounters
    let httpCounters: HTTPCounters
    let accessLog: AccessLog?
    let limiter: Limiter
    private let variesByOrigin: Bool
    private let requestIDs = SharedRequestIDs()

    init(counters: OperationCounters, httpCounters: HTTPCounters, accessLog: AccessLog?, limiter: Limiter, variesByOrigin: Bool) {
        self.limiter = limiter
        self.variesByOrigin = variesByOrigin
        self.counters = counters
        self.httpCounters = httpCounters
        self.accessLog = accessLog
    }

    /// The response to `request`.
    func response(_ answer: Answer, to request: Request, _ context: CacheRequestContext) -> Response {
        let trailer = self.trailer(request, context)
        self.count(answer, trailer, request)
        return answer.response(trailer, headOnly: request.method == .head)
    }

    /// The response to an operation that is counted.
    func response(_ answer: Answer, counting operation: CacheOperation, to request: Request, _ context: CacheRequestContext) -> Response {
        let trailer = self.trailer(request, context)
        answer.record(operation, nanoseconds: trailer.processNanoseconds, in: self.counters)
        self.count(answer, trailer, request)
        return answer.response(trailer, headOnly: request.method == .head)
    }

    private func count(_ answer: Answer, _ trailer: AnswerTrailer, _ request: Request) {
        self.httpCounters.record(answer.status, by: .router)
        guard let log = self.accessLog, log.wants(answer.status, nanoseconds: trailer.processNanoseconds) else { return }
        let entry = AccessLogEntry(
            method: request.method.rawValue, path: AccessLogEntry.shortened(TargetText(request.head.path ?? "").path), status: answer.status,
            responseBytes: answer.body.count, nanoseconds: trailer.processNanoseconds, requestID: trailer.requestID,
            cacheStatus: answer.cacheStatus, handler: .router, trace: request.headers.traceContext)
        log.write(entry, now: EventLoopScope.now())
    }

    /// Hummingbird sets the date when it sends, in the place that the empty value keeps.
    private func trailer(_ request: Request, _ context: CacheRequestContext) -> AnswerTrailer {
        AnswerTrailer(
            requestID: self.requestID(of: request),
            processNanoseconds: EventLoopScope.now() - context.start,
            date: nil,
            variesByOrigin: self.variesByOrigin
        )
    }

    /// The client's id where it is usable, else that of its trace, else a new one.
    private func requestID(of request: Request) -> RequestID {
        let received = request.headers[values: AnswerFieldName.requestIDName]
        if received.count == 1, let text = received.first {
            let bytes = ByteBuffer(string: text)
            if bytes.withUnsafeReadableBytes({ RequestID.isUsable($0, 0..<$0.count) }) { return .received(bytes) }
        }
        guard let trace = request.headers.traceContext else { return self.requestIDs.next() }
        return .received(ByteBuffer(string: trace.traceIDText))
    }
}
