import CacheAPI

/// Recognises canonical requests for a key in the bytes of a connection, before the HTTP codec has seen them.
///
/// It is an accelerator, not a parser: it says "this is exactly such a request" or "this is not mine". Every byte of a head is checked
/// against the narrow grammar that RFC 9112 and RFC 9110 give to senders (CRLF line ends, token names, visible ASCII values, no folding),
/// and whatever two parsers could read in two ways is never recognised:
///
/// - framing: one plain `Content-Length` or none; never `Transfer-Encoding`, `Expect`, `Upgrade`, `Trailer`, or a `Connection` other than
///   `keep-alive` (RFC 9112, sections 6 and 9);
/// - routing: HTTP/1.1, an origin-form target, exactly one non-empty `Host`;
/// - the key: unreserved characters, sub-delimiters, `:`, `@` and complete percent escapes; a target with `/`, `?` or dot segments in the
///   key goes to the router, which judges it.
///
/// One pass over the head, no allocation: O(bytes of the head).
package struct RequestRecogniser {
    /// The longest head that is looked at, in bytes; longer ones are the codec's, which refuses them.
    let maximumHeadBytes: Int
    /// The longest body that is waited for, in bytes; longer ones go to the router, which refuses them.
    let maximumBodyBytes: Int
    /// The most field lines of a head that are looked at; more are the codec's, which refuses them.
    let maximumFields: Int

    package init(maximumHeadBytes: Int, maximumBodyBytes: Int, maximumFields: Int = ServiceLimits().maximumHeaderFields) {
        self.maximumHeadBytes = maximumHeadBytes
        self.maximumBodyBytes = maximumBodyBytes
        self.maximumFields = maximumFields
    }

    /// Judges the request that starts at the first of `bytes`.
    package func recognise(_ bytes: UnsafeRawBufferPointer) -> Recognition {
        var scan = HeadScan(bytes: bytes)
        let method: RequestMethod
        switch scan.method() {
        case .success(let found): method = found
        case .failure(let why): return self.undecided(why, scan)
        }
        let target: RequestTarget
        switch scan.target(of: method) {
        case .success(let found): target = found
        case .failure(let why): return self.undecided(why, scan)
        }
        var fields = FieldFindings()
        for _ in 0...self.maximumFields {
            switch scan.field(&fields) {
            case .success(.field): continue
            case .success(.endOfHead): return self.decide(method, target, fields, headCount: scan.offset, scan)
            case .failure(let why): return self.undecided(why, scan)
            }
        }
        return .notFramable
    }

    private func undecided(_ why: HeadScan.Stop, _ scan: borrowing HeadScan) -> Recognition {
        switch why {
        case .endOfBytes: scan.bytes.count > self.maximumHeadBytes ? .notFramable : .incompleteHead
        case .notCanonical: .notFramable
        }
    }

    /// Judges a request by what was found in its head, the first `headCount` bytes of the scan.
    func decide(
        _ method: RequestMethod,
        _ target: RequestTarget,
        _ fields: FieldFindings,
        headCount: Int,
        _ scan: borrowing HeadScan
    ) -> Recognition {
        guard fields.hasHost, !fields.isUnframable, headCount <= self.maximumHeadBytes else { return .notFramable }
        let bodyCount = fields.contentLength ?? 0
        let framed = Recognition.other(headCount: headCount)
        guard !fields.needsRouter else { return framed }
        switch (method, target) {
        case (.get, .key(let key)), (.delete, .key(let key)):
            guard bodyCount == 0 else { return framed }
            return .key(self.request(method, key, body: headCount..<headCount, fields, scan))
        case (.get, .value(let key)):
            guard bodyCount == 0 else { return framed }
            var request = self.request(method, key, body: headCount..<headCount, fields, scan)
            request.isForValueItself = true
            return .key(request)
        case (.post, .collection):
            guard fields.contentLength != nil, bodyCount <= self.maximumBodyBytes else { return framed }
            return .key(self.request(.post, .empty, body: headCount..<(headCount + bodyCount), fields, scan))
        case (.post, .batch):
            guard fields.contentLength != nil, bodyCount <= self.maximumBodyBytes else { return framed }
            var request = self.request(.post, .empty, body: headCount..<(headCount + bodyCount), fields, scan)
            request.isBatch = true
            return .key(request)
        case (.get, _), (.delete, _), (.post, _), (.other, _):
            return framed
        }
    }

    private func request(
        _ method: RequestMethod, _ key: TargetKey, body: Range<Int>, _ fields: FieldFindings, _ scan: borrowing HeadScan
    ) -> KeyRequest {
        let trace = TraceField(traceparent: fields.traceparent, cloudTraceContext: fields.cloudTraceContext, in: scan.bytes)
        var request = KeyRequest(
            method: method, key: key, body: body, requestID: RequestJudge.requestID(received: fields.requestID, trace: trace))
        request.fields.trace = trace
        request.fields.credential = fields.credential
        request.fields.acceptsCopy = fields.copyPreference.acceptsCopy
        request.hasOrigin = fields.hasOrigin
        request.ifNoneMatch = fields.ifNoneMatch
        return request
    }
}

/// What the recogniser finds at the start of a connection's input.
package enum Recognition: Equatable {
    /// The head is not complete and so far canonical: more bytes decide.
    case incompleteHead
    /// A canonical request for a key; it may still lack bytes of its body.
    case key(KeyRequest)
    /// Another request whose end is certain, with `headCount` bytes of head.
    case other(headCount: Int)
    /// A request that only the codec can frame, or refuse.
    case notFramable
}

/// A canonical request for one key, or for those of a batch, as ranges of the connection's bytes.
package struct KeyRequest: Equatable {
    package let method: RequestMethod
    /// The key of the target; empty for `POST /cache` and `POST /cache/batch`, whose bodies name keys.
    package let key: TargetKey
    /// The body; its upper bound is the length of the whole request.
    package let body: Range<Int>
    /// The fields by which it is judged.
    var fields: RequestFields
    /// Whether a web page asks.
    var hasOrigin = false
    /// Whether the body is a batch.
    var isBatch = false
    /// Where the value of `If-None-Match` stands.
    var ifNoneMatch: Range<Int>?
    /// Whether the target is below `/values/`.
    var isForValueItself = false

    init(method: RequestMethod, key: TargetKey, body: Range<Int>, requestID: Range<Int>?) {
        self.method = method
        self.key = key
        self.body = body
        self.fields = RequestFields(requestID: requestID)
    }

    /// The value of `X-Request-Id` if it can be used, else the id of the request's trace.
    package var requestID: Range<Int>? { self.fields.requestID }

    /// The field that names the request's trace.
    var trace: TraceField? { self.fields.trace }

    /// The field that shows who asks.
    var credential: CredentialField? { self.fields.credential }

    /// Length of the whole request in bytes.
    var count: Int { self.body.upperBound }
}

/// The methods that the recogniser tells apart.
package enum RequestMethod: Equatable {
    case get, post, delete
    /// Any other method: framed, never answered by the lane.
    case other
}

/// The targets that the recogniser tells apart.
enum RequestTarget: Equatable {
    /// `/cache/{key}`.
    case key(TargetKey)
    /// `/values/{key}`.
    case value(TargetKey)
    /// `/cache`.
    case collection
    /// `/cache/batch`.
    case batch
    /// Anything else.
    case other
}

/// The key of a target, still percent-encoded if `isEncoded`.
package struct TargetKey: Equatable {
    package let range: Range<Int>
    package let isEncoded: Bool

    static let empty = TargetKey(range: 0..<0, isEncoded: false)
}
