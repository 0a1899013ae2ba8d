/// Where a connection stands, as the fast lane sees it. A value: it decides, the handler acts.
///
/// Answers leave in the order of their requests, so there is one request at a time; its successors wait in the buffer, and reading stops.
///
///     ready ──key request──► awaitingCache ──answer──► ready
///       │──other request──► awaitingRouter ──its whole body in, its whole answer out──► ready
///       │──not framable──► handedOver                      (for good)
///       └──last answer written──► closing                  (for good)
///
/// What the codec may have in `awaitingRouter` and `handedOver`, `CodecFeed` says.
enum FastLanePhase: Equatable {
    /// The next byte begins a request.
    case ready
    /// The request with this token is with the cache.
    case awaitingCache(token: UInt64)
    /// A framed request is with the codec. Can go to: ready, closing.
    case awaitingRouter
    /// The codec has the connection for good.
    case handedOver
    /// The last answer is written; what still arrives is thrown away.
    case closing

    /// Whether more bytes of the client are wanted, with `buffered` of them waiting already.
    ///
    /// While an answer is pending, later requests wait, and beyond a bound they wait in the client: TCP's window is the backpressure. Up to the
    /// bound reading goes on, since switching it off and on again costs two system calls per request, and most clients do not pipeline.
    ///
    /// - Parameters:
    ///   - isWritable: the client reads its answers; if it does not, no further request is taken.
    func wantsBytes(_ feed: CodecFeed, buffered: Int, bound: Int, isWritable: Bool) -> Bool {
        switch self {
        case .ready: isWritable
        case .closing: true
        case .awaitingCache: buffered < bound
        case .awaitingRouter, .handedOver:
            if feed.isServiceDue { buffered < bound } else { isWritable || !feed.isBetweenRequests }
        }
    }

    /// Whether an answer is due from us. A connection is not idle then, and its client is not slow.
    func isServiceDue(_ feed: CodecFeed) -> Bool {
        switch self {
        case .ready, .closing: false
        case .awaitingCache: true
        case .awaitingRouter, .handedOver: feed.isServiceDue
        }
    }
}
