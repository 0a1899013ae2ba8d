import Access
import Bytes
import Cache
import CacheAPI
import HTTPTypes
import HTTPWire
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
        let trailer = self.trailer(context)
        self.count(answer, trailer, request, context)
        return self.response(answer, trailer, request)
    }

    /// The response to an operation that is counted.
    func response(_ answer: Answer, counting operation: CacheOperation, to request: Request, _ context: CacheRequestContext) -> Response {
        let trailer = self.trailer(context)
        answer.record(operation, nanoseconds: trailer.processNanoseconds, in: self.counters)
        self.count(answer, trailer, request, context)
        return self.response(answer, trailer, request)
    }

    private func response(_ answer: Answer, _ trailer: AnswerTrailer, _ request: Request) -> Response {
        let isLong = answer.isLong && request.method != .head
        var response = answer.response(trailer, headOnly: request.method == .head || isLong)
        if isLong { response.body = ResponseBody(answer.body, self.limiter) }
        return response
    }

    /// The answer to a caller who lacks the scope; nil if the caller has it.
    /// - Parameter scope: what the caller needs to be allowed; nil if everybody may.
    func refusal(_ scope: AccessScopes?, _ request: Request, _ context: CacheRequestContext) -> Response? {
        scope.flatMap { Answer.refusal(context.caller.verdict($0)) }.map { self.response($0, to: request, context) }
    }

    private func count(_ answer: Answer, _ trailer: AnswerTrailer, _ request: Request, _ context: CacheRequestContext) {
        self.httpCounters.record(answer.status, by: .router)
        guard let log = self.accessLog, log.wants(answer.status, nanoseconds: trailer.processNanoseconds) else { return }
        let entry = AccessLogEntry(
            method: AccessLogEntry.shortened(request.method.rawValue.utf8), path: AccessLogEntry.shortened(TargetText(request.head.path ?? "").path),
            status: answer.status,
            responseBytes: answer.body.count, nanoseconds: trailer.processNanoseconds, requestID: trailer.requestID,
            cacheStatus: answer.cacheStatus, handler: .router, version: context.version, trace: context.parsed.trace)
        log.write(entry, now: EventLoopScope.now())
    }

    /// Hummingbird sets the date when it sends, in place of the empty value.
    private func trailer(_ context: CacheRequestContext) -> AnswerTrailer {
        AnswerTrailer(
            requestID: context.parsed.requestID ?? self.requestIDs.next(),
            processNanoseconds: EventLoopScope.now() - context.start,
            date: nil,
            variesByOrigin: self.variesByOrigin
        )
    }
}

/// Collects an answer's fields for Hummingbird.
struct ResponseFieldSink: AnswerFieldSink {
    var fields = HTTPFields()

    init() {
        self.fields.reserveCapacity(8)
    }

    mutating func field(_ name: AnswerFieldName, _ writeValue: (inout ByteCursor) -> Void) {
        let value = withUnsafeTemporaryAllocation(byteCount: Answer.maximumHeadCount, alignment: 1) { memory in
            var cursor = ByteCursor(memory)
            writeValue(&cursor)
            return String(decoding: cursor.written, as: UTF8.self)
        }
        self.fields.append(HTTPField(name: name.fieldName, value: value))
    }
}

extension Answer {
    /// Whether the body is too long to be put into one buffer.
    fileprivate var isLong: Bool {
        if case .prepared = self.body { return false }
        return self.body.count > ResponseBody.pieceBytes
    }

    /// The answer as Hummingbird's response. `HEAD` gets the head alone, with the length that `GET` would have (RFC 9110, section 9.3.2).
    func response(_ trailer: AnswerTrailer, headOnly: Bool) -> Response {
        var sink = ResponseFieldSink()
        let bodyCount = self.body.count
        self.writeFields(trailer, bodyCount: bodyCount, to: &sink)
        guard !headOnly else { return Response(status: self.httpStatus, headers: sink.fields) }
        if case .prepared(let bytes) = self.body { return Response(status: self.httpStatus, headers: sink.fields, body: .init(byteBuffer: bytes)) }
        var body = ByteBuffer()
        body.append(maximumCount: bodyCount) { self.body.write(into: &$0) }
        return Response(status: self.httpStatus, headers: sink.fields, body: .init(byteBuffer: body))
    }

    private var httpStatus: HTTPResponse.Status { .init(code: self.status.rawValue, reasonPhrase: "\(self.status.reason)") }
}
