import Cache
import HTTPTypes
import Hummingbird
import NIOCore

/// Turns what a route decided into Hummingbird's response, with the fields that every answer carries.
struct AnswerResponder: Sendable {
    let counters: OperationCounters
    private let requestIDs = SharedRequestIDs()

    init(counters: OperationCounters) {
        self.counters = counters
    }

    /// The response to `request`.
    func response(_ answer: Answer, to request: Request, _ context: CacheRequestContext) -> Response {
        self.counters.recordRouter()
        if answer.status.rawValue >= 500 { self.counters.recordError() }
        return answer.response(self.trailer(request, context), headOnly: request.method == .head)
    }

    /// The response to an operation that is counted.
    func response(_ answer: Answer, counting operation: CacheOperation, to request: Request, _ context: CacheRequestContext) -> Response {
        let trailer = self.trailer(request, context)
        self.counters.recordRouter()
        answer.record(operation, nanoseconds: trailer.processNanoseconds, in: self.counters)
        return answer.response(trailer, headOnly: request.method == .head)
    }

    /// Hummingbird sets the date when it sends, in the place that the empty value keeps.
    private func trailer(_ request: Request, _ context: CacheRequestContext) -> AnswerTrailer {
        AnswerTrailer(
            requestID: self.requestID(of: request),
            processNanoseconds: EventLoopScope.now() - context.start,
            date: nil
        )
    }

    private func requestID(of request: Request) -> RequestID {
        guard request.headers.contains(AnswerFieldName.requestIDName) else { return self.requestIDs.next() }
        let received = request.headers[values: AnswerFieldName.requestIDName]
        guard received.count == 1, let text = received.first else { return self.requestIDs.next() }
        let bytes = ByteBuffer(string: text)
        let isUsable = bytes.withUnsafeReadableBytes { RequestID.isUsable($0, 0..<$0.count) }
        return isUsable ? .received(bytes) : self.requestIDs.next()
    }
}
