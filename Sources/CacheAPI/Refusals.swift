package import Access
import NIOCore

/// The answers to requests that are refused before a store is asked.
extension Answer {
    // MARK: Malformed requests

    /// The answer to bytes that are not HTTP.
    package static var invalidRequest: Answer { Answer(.badRequest, .detail("Invalid HTTP request received")) }

    /// The answer to a head that is too long.
    package static var headTooLarge: Answer { Answer(.requestHeaderFieldsTooLarge, .detail("Request header fields too large")) }

    package static var targetTooLong: Answer { Answer(.targetTooLong, .detail("The target of the request is too long")) }

    package static var unsupportedTransferCoding: Answer { Answer(.notImplemented, .detail("The transfer coding is not supported")) }

    // MARK: Paths

    package static var notFound: Answer { Answer(.notFound, .detail("Not Found")) }

    package static func methodNotAllowed(_ methods: RouteMethods) -> Answer {
        var answer = Answer(.methodNotAllowed, .detail("Method Not Allowed"))
        answer.allow = methods
        return answer
    }

    package static func incompleteEscape(in place: RouteOperation.KeyPlace) -> Answer {
        switch place {
        case .path: Answer(.badRequest, .detail("Incomplete percent escape in the path"))
        case .query: Answer(.badRequest, .detail("Incomplete percent escape in the query"))
        }
    }

    // MARK: Bodies

    package static var brokenBody: Answer { Answer(.badRequest, .detail("There was an error parsing the body")) }

    package static var bodyTooLarge: Answer { Answer(.contentTooLarge, .detail("Request body too large")) }

    package static var valueTooLarge: Answer { Answer(.contentTooLarge, .detail("Value too large")) }

    /// RFC 9110, section 15.5.16: the answer says which codings would do.
    package static var encodedBody: Answer {
        var answer = Answer(.unsupportedMediaType, .detail("Encoded request bodies are not supported"))
        answer.acceptEncoding = "identity"
        return answer
    }

    /// What is wrong with a request's key or body.
    package static func validation(_ faults: [ValidationFault]) -> Answer {
        var body = ByteBuffer()
        writeFaults(faults, into: &body)
        return Answer(.unprocessableContent, .prepared(body))
    }

    // MARK: Faults of the service

    package static var internalError: Answer { Answer(.internalServerError, .detail("Internal Server Error")) }

    // MARK: Access

    package static var patternOutsidePrefix: Answer { Answer(.forbidden, .detail("The pattern reaches beyond what these credentials may use")) }

    /// The answer to a request that is not allowed; nil if it is allowed.
    ///
    /// RFC 9110, section 11.6.1, and RFC 6750, section 3.
    package static func refusal(_ verdict: AccessVerdict) -> Answer? {
        switch verdict {
        case .allowed:
            return nil
        case .unauthenticated:
            return self.challenging(.unauthorized, "Not authenticated", "Bearer realm=\"redis-caching-agent\"")
        case .rejected:
            return self.challenging(
                .unauthorized, "Invalid credentials", "Bearer realm=\"redis-caching-agent\", error=\"invalid_token\"")
        case .undecided:
            var answer = Answer(.serviceUnavailable, .detail("These credentials cannot be checked now"))
            answer.retryAfterSeconds = 1
            return answer
        case .forbidden(let scope):
            return self.forbidden(scope)
        case .outsidePrefix:
            return Answer(.forbidden, .detail("The key is outside of what these credentials may use"))
        }
    }

    private static func forbidden(_ scope: AccessScopes) -> Answer {
        switch scope {
        case .read: Answer(.forbidden, .detail("These credentials lack the scope read"))
        case .write: Answer(.forbidden, .detail("These credentials lack the scope write"))
        case .invalidate: Answer(.forbidden, .detail("These credentials lack the scope invalidate"))
        default: Answer(.forbidden, .detail("These credentials lack the scope admin"))
        }
    }

    private static func challenging(_ status: AnswerStatus, _ detail: StaticString, _ challenge: StaticString) -> Answer {
        var answer = Answer(status, .detail(detail))
        answer.challenge = challenge
        return answer
    }
}
