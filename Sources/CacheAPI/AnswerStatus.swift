/// The status codes that the service answers with.
package enum AnswerStatus: Int, CaseIterable {
    case ok = 200
    case created = 201
    case noContent = 204
    case notModified = 304
    case badRequest = 400
    case unauthorized = 401
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case conflict = 409
    case preconditionFailed = 412
    case contentTooLarge = 413
    case targetTooLong = 414
    case unsupportedMediaType = 415
    case unprocessableContent = 422
    case tooManyRequests = 429
    case requestHeaderFieldsTooLarge = 431
    case internalServerError = 500
    case notImplemented = 501
    case serviceUnavailable = 503
    case insufficientStorage = 507

    /// Whether the service failed. It has not if a client wants what no server here has.
    package var isFailure: Bool { self.rawValue >= 500 && self != .notImplemented }

    /// Whether an answer has no body, and no fields that describe one (RFC 9110, sections 8.6, 15.3.5 and 15.4.5).
    var isBodiless: Bool { self == .noContent || self == .notModified }

    /// The place among the statuses, for tables.
    package var ordinal: Int {
        switch self {
        case .ok: 0
        case .badRequest: 1
        case .forbidden: 2
        case .notFound: 3
        case .methodNotAllowed: 4
        case .contentTooLarge: 5
        case .unsupportedMediaType: 6
        case .unprocessableContent: 7
        case .requestHeaderFieldsTooLarge: 8
        case .internalServerError: 9
        case .serviceUnavailable: 10
        case .insufficientStorage: 11
        case .unauthorized: 12
        case .targetTooLong: 13
        case .tooManyRequests: 14
        case .notImplemented: 15
        case .created: 16
        case .noContent: 17
        case .notModified: 18
        case .preconditionFailed: 19
        case .conflict: 20
        }
    }

    /// The reason phrase, as NIO's encoder spells it, so that both ways to answer write the same bytes.
    package var reason: StaticString {
        switch self {
        case .ok: "OK"
        case .created: "Created"
        case .noContent: "No Content"
        case .notModified: "Not Modified"
        case .preconditionFailed: "Precondition Failed"
        case .badRequest: "Bad Request"
        case .unauthorized: "Unauthorized"
        case .forbidden: "Forbidden"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .conflict: "Conflict"
        case .contentTooLarge: "Payload Too Large"
        case .targetTooLong: "URI Too Long"
        case .unsupportedMediaType: "Unsupported Media Type"
        case .unprocessableContent: "Unprocessable Entity"
        case .tooManyRequests: "Too Many Requests"
        case .requestHeaderFieldsTooLarge: "Request Header Fields Too Large"
        case .internalServerError: "Internal Server Error"
        case .notImplemented: "Not Implemented"
        case .serviceUnavailable: "Service Unavailable"
        case .insufficientStorage: "Insufficient Storage"
        }
    }
}
