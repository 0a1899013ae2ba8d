import Cache
import NIOCore

/// An answer of the service, decided but not written. The fast lane writes it as bytes, the router as Hummingbird's response: both through
/// `writeHead`, so that there is one place that knows which fields an answer carries and in which order.
struct Answer {
    var status: AnswerStatus
    var body: AnswerBody
    var contentType: StaticString = "application/json"
    var cacheStatus: CacheStatus?
    var isDegraded = false
    /// The methods of a 405 answer.
    var allow: StaticString?

    init(_ status: AnswerStatus, _ body: AnswerBody) {
        self.status = status
        self.body = body
    }

    /// The fields of the head, in the order in which they stand.
    func writeFields(_ trailing: AnswerTrailer, to sink: inout some AnswerFieldSink) {
        sink.field(.contentType) { $0.writeStaticString(self.contentType) }
        sink.field(.contentLength) { $0.appendDecimal(self.body.count) }
        if let cacheStatus = self.cacheStatus {
            sink.field(.cacheStatus) { cacheStatus.write(into: &$0) }
        }
        if self.isDegraded {
            sink.field(.cacheDegraded) { $0.writeStaticString("1") }
        }
        if let allow = self.allow {
            sink.field(.allow) { $0.writeStaticString(allow) }
        }
        sink.field(.requestID) { trailing.requestID.write(into: &$0) }
        sink.field(.processTime) { $0.appendSeconds(nanoseconds: trailing.processNanoseconds) }
        sink.field(.date) { $0.writeImmutableBuffer(trailing.date) }
    }
}
