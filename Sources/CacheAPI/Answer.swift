import Bytes
package import Cache

/// An answer of the service, decided but not written. The fast lane writes it as bytes, the router as Hummingbird's response, both through
/// `writeFields`: one place knows which fields an answer carries and in which order.
package struct Answer {
    package var status: AnswerStatus
    package var body: AnswerBody
    package var contentType: StaticString = "application/json"
    package var cacheStatus: CacheStatus?
    /// Which store answered, if one was asked.
    package var source: CacheSource?
    /// The tag of the value that the answer has, or has stored.
    package var entityTag: EntityTag?
    /// What the bytes of the body are; nil if `contentType` says it.
    package var representation: Representation?
    /// What a page or a part of one may load (https://www.w3.org/TR/CSP3/); nil if the answer is for programs.
    package var contentSecurityPolicy: StaticString?
    /// The methods of a 405 answer.
    var allow: RouteMethods?
    /// The content codings that a 415 answer asks for.
    var acceptEncoding: StaticString?
    /// What a 401 answer asks for.
    var challenge: StaticString?
    /// When to try again what was refused.
    package var retryAfterSeconds: Int?
    /// What is said of the lease of the key.
    var lease: LeaseField?

    package init(_ status: AnswerStatus, _ body: AnswerBody) {
        self.status = status
        self.body = body
    }

    /// Whether memory answered instead of Redis; of a batch, whether it did for any operation.
    var isDegraded: Bool {
        if let source = self.source { return source.isDegraded }
        if case .batch(let results) = self.body { return results.isDegraded }
        return false
    }

    /// Who may keep the answer (RFC 9111, section 5.2.2). A value may be kept by its client, which must ask again before it uses it: it may
    /// have changed meanwhile. Nothing else is worth keeping.
    private var cacheControl: StaticString {
        // A page belongs to the program that serves it: after a deployment the old one is of no use.
        if self.contentSecurityPolicy != nil { return "no-cache" }
        // A lease is for one.
        if self.lease != nil { return "no-store" }
        return switch self.cacheStatus?.outcome {
        case .hit, .miss: "private, no-cache"
        case .stored, .deleted, .changed, .read, .conflict, .refused, nil: "no-store"
        }
    }

    /// The longest head in bytes: every field at its longest, with room to spare.
    package static let maximumHeadCount = 1024

    /// The same of this answer, which may say more than others.
    var maximumHeadCount: Int { self.representation == nil ? Self.maximumHeadCount : Self.maximumHeadCount + Representation.maximumFieldCount }

    /// The fields of the head, in the order in which they stand.
    /// - Parameter bodyCount: the length of the body in bytes.
    package func writeFields(_ trailer: AnswerTrailer, bodyCount: Int, to sink: inout some AnswerFieldSink) {
        if !self.status.isBodiless {
            if let representation = self.representation {
                representation.writeFields(to: &sink)
            } else if bodyCount > 0 {
                sink.field(.contentType) { $0.append(self.contentType) }
            }
            sink.field(.contentLength) { $0.appendDecimal(bodyCount) }
        }
        if let cacheStatus = self.cacheStatus {
            sink.field(.cacheStatus) { cacheStatus.write(into: &$0) }
        }
        if self.isDegraded {
            sink.field(.cacheDegraded) { $0.append("1") }
        }
        if self.cacheStatus?.isStale == true {
            sink.field(.cacheStale) { $0.append("1") }
        }
        sink.field(.cacheControl) { $0.append(self.cacheControl) }
        if let entityTag = self.entityTag {
            sink.field(.entityTag) { entityTag.write(into: &$0) }
        }
        if let allow = self.allow {
            sink.field(.allow) { allow.write(into: &$0) }
        }
        if let codings = self.acceptEncoding {
            sink.field(.acceptEncoding) { $0.append(codings) }
        }
        if let challenge = self.challenge {
            sink.field(.challenge) { $0.append(challenge) }
        }
        if let lease = self.lease {
            sink.field(.cacheLease) { lease.write(into: &$0) }
        }
        if let seconds = self.retryAfterSeconds {
            sink.field(.retryAfter) { $0.appendDecimal(seconds) }
        }
        if trailer.variesByOrigin {
            sink.field(.vary) { $0.append("Origin") }
        }
        if let policy = self.contentSecurityPolicy {
            sink.field(.contentSecurityPolicy) { $0.append(policy) }
            sink.field(.contentTypeOptions) { $0.append("nosniff") }
            sink.field(.referrerPolicy) { $0.append("no-referrer") }
        }
        self.representation?.writeProtection(to: &sink)
        sink.field(.requestID) { trailer.requestID.write(into: &$0) }
        sink.field(.processTime) { $0.appendSeconds(nanoseconds: trailer.processNanoseconds) }
        sink.field(.date) { trailer.writeDate(into: &$0) }
    }
}

/// What every answer carries whatever it says; known only when it is sent.
package struct AnswerTrailer {
    /// The request's id.
    package let requestID: RequestID
    /// From the request's first byte to the answer, in nanoseconds.
    package let processNanoseconds: Int
    /// The value of the `Date` field; nil if the server sets it, in place of an empty value.
    let date: DateField.Text?
    /// Whether the fields for browsers depend on who asks, so that caches must keep the answers apart.
    let variesByOrigin: Bool

    package init(requestID: RequestID, processNanoseconds: Int, date: DateField.Text?, variesByOrigin: Bool = false) {
        self.requestID = requestID
        self.processNanoseconds = processNanoseconds
        self.date = date
        self.variesByOrigin = variesByOrigin
    }

    /// Appends the date.
    func writeDate(into cursor: inout ByteCursor) {
        guard let date = self.date else { return }
        withUnsafeBytes(of: date) { cursor.append($0) }
    }
}
