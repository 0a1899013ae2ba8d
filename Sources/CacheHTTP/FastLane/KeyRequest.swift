/// A canonical request for one key, as ranges of the connection's bytes.
package struct KeyRequest: Equatable {
    package let method: RequestMethod
    /// The key of the target; empty for `POST /cache`, whose body names it.
    package let key: TargetKey
    /// The body; its upper bound is the length of the whole request.
    package let body: Range<Int>
    /// The value of `X-Request-Id`, where there is a usable one, else the id of the request's trace.
    package let requestID: Range<Int>?
    /// The field that names the request's trace.
    var trace: TraceField?
    /// The field that shows who asks.
    var credential: CredentialField?
    /// Whether a web page asks.
    var hasOrigin = false

    /// Length of the whole request in bytes.
    var count: Int { self.body.upperBound }
}
