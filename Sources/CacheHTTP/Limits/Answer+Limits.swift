/// The answers at a bound. Each says when to try again.
extension Answer {
    /// Too much at once: RFC 9110, section 15.6.4.
    static func overloaded(_ kind: LimitKind) -> Answer {
        let detail: StaticString =
            switch kind {
            case .connections, .connectionsOfPeer, .connectionsEvicted: "Too many connections; try again"
            case .requestsInFlight, .probes: "Too many requests at once; try again"
            case .unsentBytes, .unreadConnections: "Too many answers wait to be read; try again"
            case .receivedBytes: "Too many request bodies at once; try again"
            case .invalidations: "Too many invalidations at once; try again"
            case .rate: "Too many requests; try again"
            }
        var answer = Answer(.serviceUnavailable, .detail(detail))
        answer.retryAfterSeconds = 1
        return answer
    }

    /// Too often: RFC 6585, section 4.
    static func tooOften(retryAfterNanoseconds: Int) -> Answer {
        var answer = Answer(.tooManyRequests, .detail("Too many requests with these credentials; try again"))
        answer.retryAfterSeconds = max(1, (retryAfterNanoseconds + 999_999_999) / 1_000_000_000)
        return answer
    }
}
