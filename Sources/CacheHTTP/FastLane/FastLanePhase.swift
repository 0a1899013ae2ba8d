/// Where a connection stands, as the fast lane sees it. A value: it decides, the handler acts.
///
/// Answers leave in the order of their requests, so there is one request at a time; its successors wait in the buffer, and reading stops.
///
///     ready ──key request──► awaitingCache ──answer──► ready
///       │──other request──► awaitingRouter ──its whole body in, its whole answer out──► ready
///       │──not framable──► handedOver                      (for good)
///       └──last answer written──► closing                  (for good)
enum FastLanePhase: Equatable {
    /// The next byte begins a request.
    case ready
    /// The request with this token is with the cache.
    case awaitingCache(token: UInt64)
    /// A framed request is with the codec. Can go to: ready, closing.
    case awaitingRouter(bodyRemaining: Int, answered: Bool)
    /// The codec has the connection for good.
    case handedOver
    /// The last answer is written; what still arrives is thrown away.
    case closing

    /// Whether bytes of the client are wanted now. While an answer is pending they are not: TCP's window is the backpressure.
    var wantsBytes: Bool {
        switch self {
        case .ready, .handedOver, .closing: true
        case .awaitingCache: false
        case .awaitingRouter(let bodyRemaining, _): bodyRemaining > 0
        }
    }

    /// The router's answer has left. Returns whether the request is over.
    mutating func routerAnswered() -> Bool {
        switch self {
        case .awaitingRouter(let bodyRemaining, _):
            self = .awaitingRouter(bodyRemaining: bodyRemaining, answered: true)
            return bodyRemaining == 0
        case .ready, .awaitingCache, .handedOver, .closing:
            return false
        }
    }

    /// `count` bytes are there while a body is expected. Returns how many of them belong to the body.
    mutating func takeBody(_ count: Int) -> Int {
        guard case .awaitingRouter(let bodyRemaining, let answered) = self else { return 0 }
        let taken = min(count, bodyRemaining)
        self = .awaitingRouter(bodyRemaining: bodyRemaining - taken, answered: answered)
        return taken
    }

    /// Whether the router's request is wholly in and wholly answered.
    var isRouterDone: Bool { self == .awaitingRouter(bodyRemaining: 0, answered: true) }
}
