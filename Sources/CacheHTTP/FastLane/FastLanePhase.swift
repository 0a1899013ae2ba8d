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

    /// Whether more bytes of the client are wanted, with `buffered` of them waiting already.
    ///
    /// While an answer is pending, later requests wait, and beyond a bound they wait in the client: TCP's window is the backpressure. Up to the
    /// bound reading goes on, since switching it off and on again costs two system calls per request, and most clients do not pipeline.
    func wantsBytes(buffered: Int, bound: Int) -> Bool {
        switch self {
        case .ready, .handedOver, .closing: true
        case .awaitingCache: buffered < bound
        case .awaitingRouter(let bodyRemaining, _): bodyRemaining > 0 || buffered < bound
        }
    }

    /// The router's answer has left.
    mutating func routerAnswered() {
        guard case .awaitingRouter(let bodyRemaining, _) = self else { return }
        self = .awaitingRouter(bodyRemaining: bodyRemaining, answered: true)
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
