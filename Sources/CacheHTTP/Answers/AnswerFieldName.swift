import HTTPTypes

/// The names of the fields that answers carry.
enum AnswerFieldName {
    case contentType, contentLength, cacheStatus, cacheDegraded, cacheControl, allow, acceptEncoding, challenge, retryAfter, vary, requestID,
        processTime, date
    /// Of pages and what belongs to them.
    case contentSecurityPolicy, contentTypeOptions, referrerPolicy

    /// The name with its colon and space, as it stands in the bytes.
    var line: StaticString {
        switch self {
        case .contentType: "Content-Type: "
        case .contentLength: "Content-Length: "
        case .cacheStatus: "Cache-Status: "
        case .cacheDegraded: "X-Cache-Degraded: "
        case .allow: "Allow: "
        case .acceptEncoding: "Accept-Encoding: "
        case .challenge: "WWW-Authenticate: "
        case .retryAfter: "Retry-After: "
        case .vary: "Vary: "
        case .requestID: "X-Request-Id: "
        case .processTime: "X-Process-Time: "
        case .date: "Date: "
        case .cacheControl: "Cache-Control: "
        case .contentSecurityPolicy: "Content-Security-Policy: "
        case .contentTypeOptions: "X-Content-Type-Options: "
        case .referrerPolicy: "Referrer-Policy: "
        }
    }

    /// The name for a field collection.
    var fieldName: HTTPField.Name {
        switch self {
        case .contentType: .contentType
        case .contentLength: .contentLength
        case .cacheStatus: Self.cacheStatusName
        case .cacheDegraded: Self.cacheDegradedName
        case .allow: .allow
        case .acceptEncoding: .acceptEncoding
        case .challenge: .wwwAuthenticate
        case .retryAfter: .retryAfter
        case .vary: .vary
        case .requestID: Self.requestIDName
        case .processTime: Self.processTimeName
        case .date: .date
        case .cacheControl: .cacheControl
        case .contentSecurityPolicy: .contentSecurityPolicy
        case .contentTypeOptions: .xContentTypeOptions
        case .referrerPolicy: Self.referrerPolicyName
        }
    }

    private static let referrerPolicyName = Self.name("Referrer-Policy")
    private static let cacheStatusName = Self.name("Cache-Status")
    private static let cacheDegradedName = Self.name("X-Cache-Degraded")
    private static let processTimeName = Self.name("X-Process-Time")
    static let apiKeyName = Self.name("X-API-Key")
    static let requestIDName = Self.name("X-Request-Id")

    static func name(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no field name") }
        return name
    }
}
