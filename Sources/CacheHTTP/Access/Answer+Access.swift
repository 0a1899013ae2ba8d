import Access

/// The answers to those who may not.
extension Answer {
    /// What a request is answered that is not allowed; nil where it is.
    ///
    /// RFC 9110, section 11.6.1, and RFC 6750, section 3.
    static func refusal(_ verdict: AccessVerdict) -> Answer? {
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
