/// A canonical request for one key, as ranges of the connection's bytes.
package struct KeyRequest: Equatable {
    package let method: RequestMethod
    /// The key of the target; empty for `POST /cache`, whose body names it.
    package let key: TargetKey
    /// The body; its upper bound is the length of the whole request.
    package let body: Range<Int>
    /// What it says of itself besides.
    var fields: RequestFields
    /// Whether a web page asks.
    var hasOrigin = false

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
