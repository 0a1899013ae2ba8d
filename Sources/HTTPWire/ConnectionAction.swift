import NIOCore

/// The bounds that `ConnectionStateMachine` keeps, and the actions that it asks for.
extension ConnectionStateMachine {
    /// Where the connection is.
    enum State: Equatable {
        /// The next byte begins a request.
        case ready
        /// The cache has the request with this token.
        case awaitingCache(token: UInt64)
        /// A long answer is begun; the rest of it follows as the client reads. Can go to: ready, closing.
        case sendingAnswer
        /// The codec has a framed request. Can go to: ready, closing.
        case awaitingRouter
        /// The codec has the connection for good.
        case handedOver
        /// The last answer is written; what still arrives is discarded.
        case closing
        /// The channel is inactive.
        case closed
    }

    /// Times in nanoseconds and sizes in bytes.
    struct Bounds {
        var idle: Int
        var request: Int
        var drain: Int
        var lastAnswer: Int
        var linger: Int
        var headBytes: Int
        var pipelinedBytes: Int
        var unsentBytes: Int
    }

    /// What to do about an event.
    enum Action: Equatable {
        case none
        /// Take what can be taken of the input, then send what there is to send.
        case pass
        /// Look at the connection again at this time.
        case schedule(at: Int)
        /// The last answer is written: send it and discard the input. The connection ends at this time whatever happens.
        case finish(by: Int)
        /// Close our side only, so that the client reads the answer to its end, and discard what it still sends until this time.
        case linger(until: Int)
        /// Close once the socket has taken everything that was written.
        case closeWhenTaken
        /// Close at once.
        case close
        /// Close at once, because the client does not read and the process has no room left for unread answers.
        case closeUnread
        /// Refuse the connection because there are too many, and end it.
        case refuseConnection
        /// Pass the rest of the input, and the end of the client's side, to the codec.
        case deliverInputClosed
    }

    /// What to do with the input.
    enum Intake: Equatable {
        /// Send the answers that wait, then ask again.
        case flush
        /// Judge the next request.
        case recognise
        /// Give the codec as many bytes as `feed` decides.
        case feedCodec
        case discard
        /// More bytes, an answer, or a client that reads must come first.
        case wait
    }

    /// What to do if a handler asks for more bytes.
    enum Reading: Equatable {
        case read
        /// Read nothing until `resumesReading` returns true.
        case pause
        /// The same, but nothing that the client still sends is going to be read.
        case ignore
    }
}

extension ConnectionStateMachine.Bounds {
    init(_ settings: HTTPSettings) {
        self.init(
            idle: Int(settings.idleTimeout.nanoseconds), request: Int(settings.requestTimeout.nanoseconds),
            drain: Int(settings.drainTimeout.nanoseconds), lastAnswer: Int(settings.lastAnswerTimeout.nanoseconds),
            linger: Int(settings.lingerTimeout.nanoseconds), headBytes: settings.maximumHeadBytes,
            pipelinedBytes: settings.maximumPipelinedBytes, unsentBytes: settings.maximumUnsentBytes)
    }
}
