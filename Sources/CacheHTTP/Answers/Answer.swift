import Cache

/// An answer of the service, decided but not written. The fast lane writes it as bytes, the router as Hummingbird's response: both through
/// `writeHead`, so that there is one place that knows which fields an answer carries and in which order.
struct Answer {
    var status: AnswerStatus
    var body: AnswerBody
    var contentType: StaticString = "application/json"
    var cacheStatus: CacheStatus?
    /// Which store answered, where one was asked.
    var source: CacheSource?
    /// What a browser may do with a page or a part of one; nil where the answer is for programs.
    var pagePolicy: PagePolicy?
    /// The methods of a 405 answer.
    var allow: StaticString?
    /// The content codings that a 415 answer asks for.
    var acceptEncoding: StaticString?
    /// What a 401 answer asks for.
    var challenge: StaticString?
    /// When to try again what was refused.
    var retryAfterSeconds: Int?

    init(_ status: AnswerStatus, _ body: AnswerBody) {
        self.status = status
        self.body = body
    }

    /// Whether memory answered in the place of Redis.
    var isDegraded: Bool { self.source?.isDegraded == true }

    /// Who may keep the answer (RFC 9111, section 5.2.2). A value may be kept by its client, which must ask again before it uses it: anybody may
    /// have written meanwhile. Nothing else is worth keeping.
    private var cacheControl: StaticString {
        if let policy = self.pagePolicy { return policy.cacheControl }
        return switch self.cacheStatus?.outcome {
        case .hit, .miss: "private, no-cache"
        case .stored, .deleted, .read, .refused, nil: "no-store"
        }
    }

    /// The longest head in bytes: every field at its longest, with room to spare.
    static let maximumHeadCount = 1024

    /// The fields of the head, in the order in which they stand.
    /// - Parameter bodyCount: the length of the body in bytes.
    func writeFields(_ trailer: AnswerTrailer, bodyCount: Int, to sink: inout some AnswerFieldSink) {
        sink.field(.contentType) { $0.append(self.contentType) }
        sink.field(.contentLength) { $0.appendDecimal(bodyCount) }
        if let cacheStatus = self.cacheStatus {
            sink.field(.cacheStatus) { cacheStatus.write(into: &$0) }
        }
        if self.isDegraded {
            sink.field(.cacheDegraded) { $0.append("1") }
        }
        sink.field(.cacheControl) { $0.append(self.cacheControl) }
        if let allow = self.allow {
            sink.field(.allow) { $0.append(allow) }
        }
        if let codings = self.acceptEncoding {
            sink.field(.acceptEncoding) { $0.append(codings) }
        }
        if let challenge = self.challenge {
            sink.field(.challenge) { $0.append(challenge) }
        }
        if let seconds = self.retryAfterSeconds {
            sink.field(.retryAfter) { $0.appendDecimal(seconds) }
        }
        if trailer.variesByOrigin {
            sink.field(.vary) { $0.append("Origin") }
        }
        if let policy = self.pagePolicy {
            sink.field(.contentSecurityPolicy) { $0.append(policy.contentSecurity) }
            sink.field(.contentTypeOptions) { $0.append("nosniff") }
            sink.field(.referrerPolicy) { $0.append("no-referrer") }
        }
        sink.field(.requestID) { trailer.requestID.write(into: &$0) }
        sink.field(.processTime) { $0.appendSeconds(nanoseconds: trailer.processNanoseconds) }
        sink.field(.date) { trailer.writeDate(into: &$0) }
    }
}
