import CacheAPI

/// The fields of a request that the fast lane looks at. All others change nothing about how a request for a key is answered.
enum KnownField {
    case host, contentLength, connection
    case requestID, traceparent, cloudTraceContext
    case authorization, apiKey
    case origin
    /// What the client says of copies.
    case cacheControl, pragma
    /// What the client expects of the value.
    case ifMatch, ifNoneMatch
    /// A coding of the body, which the router refuses.
    case contentCoding
    /// The proof of a lease, which the router looks at.
    case lease
    /// One of those that change where the request ends, or what the connection is afterwards.
    case framing

    /// The field whose name stands in `range`, in whatever case; nil for others.
    /// - Parameter bytes: have only token characters in `range`.
    init?(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        func isNamed(_ name: StaticString) -> Bool { Self.matches(bytes, range, name) }
        switch range.count {
        case 2 where isNamed("te"): self = .framing
        case 4 where isNamed("host"): self = .host
        case 6:
            if isNamed("origin") {
                self = .origin
            } else if isNamed("expect") {
                self = .framing
            } else if isNamed("pragma") {
                self = .pragma
            } else {
                return nil
            }
        case 7:
            guard isNamed("upgrade") || isNamed("trailer") else { return nil }
            self = .framing
        case 8 where isNamed("if-match"): self = .ifMatch
        case 9 where isNamed("x-api-key"): self = .apiKey
        case 10 where isNamed("connection"): self = .connection
        case 11:
            if isNamed("traceparent") { self = .traceparent } else if isNamed("cache-lease") { self = .lease } else { return nil }
        case 12 where isNamed("x-request-id"): self = .requestID
        case 13:
            if isNamed("authorization") {
                self = .authorization
            } else if isNamed("cache-control") {
                self = .cacheControl
            } else if isNamed("if-none-match") {
                self = .ifNoneMatch
            } else {
                return nil
            }
        case 14:
            if isNamed("content-length") { self = .contentLength } else if isNamed("http2-settings") { self = .framing } else { return nil }
        case 16:
            if isNamed("content-encoding") { self = .contentCoding } else if isNamed("proxy-connection") { self = .framing } else { return nil }
        case 17 where isNamed("transfer-encoding"): self = .framing
        case 21 where isNamed("x-cloud-trace-context"): self = .cloudTraceContext
        default: return nil
        }
    }

    /// The field of a header list with this name; nil for others.
    init?(_ name: String) {
        let field = name.utf8.withContiguousStorageIfAvailable { KnownField(UnsafeRawBufferPointer($0), 0..<$0.count) }
        guard case .some(.some(let known)) = field else { return nil }
        self = known
    }

    /// Compares without regard to case: visible ASCII of `range` with a text of lower-case letters, digits and hyphens. All of these have the
    /// bit that tells lower case, so setting it makes nothing equal that is not.
    static func matches(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard range.count == count else { return false }
        let name = UnsafeRawBufferPointer(rebasing: bytes[range])
        let expected = UnsafeRawBufferPointer(start: text.utf8Start, count: count)
        var offset = 0
        while offset + 8 <= count {
            let word = name.loadUnaligned(fromByteOffset: offset, as: UInt64.self) | 0x2020_2020_2020_2020
            guard word == expected.loadUnaligned(fromByteOffset: offset, as: UInt64.self) else { return false }
            offset += 8
        }
        while offset < count {
            guard name[offset] | 0x20 == expected[offset] else { return false }
            offset += 1
        }
        return true
    }
}

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
    /// Where the value of `If-None-Match` stands.
    var ifNoneMatch: Range<Int>?
    /// The request comes from a web page.
    var hasOrigin = false
    /// Where a credential stands.
    var credential: CredentialField?
    /// Whether the client accepts a copy of an earlier read.
    var copyPreference = CopyPreference()
    /// The end of the request is the codec's to find: a transfer coding, an upgrade, an expectation, a contradiction.
    var isUnframable = false
    /// The request can be framed, but has something that the router must judge.
    var needsRouter = false
}
