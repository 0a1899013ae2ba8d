/// What the field lines of a head said that matters to the fast lane.
struct FieldFindings {
    /// There was exactly one `Host`, and it had a value.
    var hasHost = false
    /// The value of the one `Content-Length`.
    var contentLength: Int?
    /// Where the value of a usable `X-Request-Id` stands.
    var requestID: Range<Int>?
    /// Where the value of `traceparent` stands.
    var traceparent: Range<Int>?
    /// Where the value of `X-Cloud-Trace-Context` stands.
    var cloudTraceContext: Range<Int>?
    /// The request comes from a web page.
    var hasOrigin = false
    /// Where a credential stands.
    var credential: CredentialField?
    /// The end of the request is the codec's to find: a transfer coding, an upgrade, an expectation, a contradiction.
    var isUnframable = false
    /// The request can be framed, but has something that the router must judge.
    var needsRouter = false
}
