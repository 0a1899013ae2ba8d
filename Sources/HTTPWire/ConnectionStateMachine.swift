/// One client connection of HTTP/1.1, as a value: what happened goes in, what to do comes out. `FastLane` is the handler that acts.
///
/// Answers leave in the order of their requests, so one request is handled at a time; its successors wait in the buffer, and reading stops.
///
///     ready ──key request──► awaitingCache ──answer──► ready
///       │──long answer begun──► sendingAnswer ──its end──► ready
///       │──other request──► awaitingRouter ──its whole body in, its whole answer out──► ready
///       │──not framable──► handedOver                      (for good)
///       └──last answer written──► closing ──inactive──► closed
///
/// Its parts are values with rules of their own: `CodecFeed` decides which bytes the codec gets, `UnsentBytes` which answers the client has not
/// read, and `ConnectionLifetime` when the connection must end. An event that comes too late for its state changes nothing.
struct ConnectionStateMachine: ~Copyable {
    /// How soon an overdue connection that waits for our own answer is looked at again.
    private static let retryInterval = 100_000_000

    private let bounds: Bounds
    private var state: State
    private var codec: CodecFeed
    private var unsent = UnsentBytes()
    private(set) var lifetime = ConnectionLifetime()
    /// How many bytes of input are needed before it is worth looking at again.
    private var neededBytes = 1
    private var lastToken: UInt64 = 0
    /// The connection is over the limit: it may send a probe and nothing else.
    private(set) var isForProbes = false
    /// A handler has asked for bytes and got none.
    private(set) var isReadPaused = false
    /// The client has closed its side, and the handlers behind us do not know yet.
    private(set) var isInputEndPending = false
    /// What follows the last request of the connection is not read.
    private var isInputDone = false
    /// The codec has bytes that it acts on at the end of the read; it has heard of the end of this read.
    private var isCodecReadCompleteDue = false
    private var isCodecReading = false

    init(_ bounds: Bounds, usesFastLane: Bool = true) {
        self.bounds = bounds
        self.codec = CodecFeed(maximumHeadBytes: bounds.headBytes)
        self.state = usesFastLane ? .ready : .handedOver
    }

    // MARK: What may be asked

    /// The last answer is written, or the channel is gone.
    var isClosing: Bool { self.state == .closing || self.state == .closed }
    /// The next answer is the last.
    var isDraining: Bool { self.lifetime.isDraining }
    /// The request with the codec is a `HEAD` request.
    var isHeadRequest: Bool { self.codec.isHeadRequest }
    /// Since when the client owes the rest of a request, or its first one; nil if it owes none.
    var owesSince: Int? { self.lifetime.owesSince }
    /// The client does not read: that much waits for it.
    var unreadBytes: Int { self.unsent.waiting }
    /// The mark of an earlier write is under way.
    var hasMarkUnderWay: Bool { self.unsent.stalledSince != nil }

    /// How many bytes the request at hand needs room for, with `buffered` of them here.
    func heldBytes(buffered: Int) -> Int {
        switch self.state {
        case .ready: buffered > 0 ? max(buffered, self.neededBytes) : 0
        case .awaitingCache, .sendingAnswer, .awaitingRouter, .handedOver: buffered
        case .closing, .closed: 0
        }
    }

    /// Whether an answer is due from us. A connection is not idle then, and its client is not slow.
    var isAnswerDue: Bool {
        switch self.state {
        // What is still to be sent of an answer waits for the client.
        case .ready, .sendingAnswer, .closing, .closed: false
        case .awaitingCache: true
        case .awaitingRouter, .handedOver: self.codec.isServiceDue
        }
    }

    mutating func opened(now: Int) -> Action {
        self.lifetime.opened(now: now)
        return .schedule(at: now + min(self.bounds.idle, self.bounds.request))
    }

    /// There is no place for the connection, but it may send a probe soon.
    mutating func restrictedToProbes(now: Int) -> Action {
        self.isForProbes = true
        return .schedule(at: now + ConnectionTable.patience)
    }

    // MARK: Input

    /// Bytes arrived. Returns false if they are to be discarded.
    mutating func received(now: Int) -> Bool {
        self.lifetime.received(now: now)
        return !self.isClosing
    }

    /// - Parameters:
    ///   - buffered: bytes of input; at least one.
    ///   - unflushed: bytes of answers that wait to be sent.
    ///   - isWritable: the client reads its answers. One that sends requests and does not read the answers must wait, or it fills our memory.
    func intake(buffered: Int, unflushed: Int, isWritable: Bool) -> Intake {
        switch self.state {
        case .ready:
            if unflushed >= self.bounds.unsentBytes { return .flush }
            return isWritable && buffered >= self.neededBytes ? .recognise : .wait
        case .awaitingRouter, .handedOver:
            guard self.codec.isBetweenRequests else { return .feedCodec }
            if unflushed >= self.bounds.unsentBytes { return .flush }
            return isWritable ? .feedCodec : .wait
        case .awaitingCache, .sendingAnswer: return .wait
        case .closing, .closed: return .discard
        }
    }

    /// The input has been taken as far as possible; `buffered` bytes are left. Starts the clock of a request that has begun, and stops it if the
    /// client owes nothing.
    mutating func passEnded(buffered: Int, now: Int) {
        let owes =
            switch self.state {
            case .ready: buffered > 0
            case .awaitingCache, .sendingAnswer, .closing, .closed: false
            case .awaitingRouter, .handedOver: !self.codec.isServiceDue && (!self.codec.isBetweenRequests || buffered > 0)
            }
        if owes { self.lifetime.owesRequest(now: now) } else { self.lifetime.owesNothing() }
    }

    /// The head of the next request is not complete.
    mutating func headIncomplete(buffered: Int) { self.neededBytes = buffered + 1 }

    /// A request for a key, `count` bytes in all, lacks bytes of its body.
    mutating func bodyIncomplete(requestCount count: Int) {
        self.lifetime.headArrived()
        self.neededBytes = count
    }

    /// A request for a key is refused by its head. `lastAnswerWritten` follows.
    mutating func requestRefused() { self.lifetime.headArrived() }

    // MARK: Requests for the cache

    /// A whole request has been taken out of the input. Returns its token.
    mutating func requestTaken() -> UInt64 {
        self.lifetime.headArrived()
        self.lifetime.owesNothing()
        self.neededBytes = 1
        self.lastToken &+= 1
        return self.lastToken
    }

    /// The cache answers the request with this token later.
    mutating func cacheAnswersLater(token: UInt64) {
        guard self.state == .ready else { return }
        self.state = .awaitingCache(token: token)
    }

    /// The cache has answered. Returns false if that answer is no longer awaited.
    mutating func cacheAnswered(token: UInt64) -> Bool {
        let isAwaited = self.state == .awaitingCache(token: token)
        if isAwaited { self.state = .ready }
        return isAwaited
    }

    /// Of an answer that is too long to be written at once, the head is written.
    mutating func answerBegun() {
        if self.state == .ready { self.state = .sendingAnswer }
    }

    /// All of it is written. Returns false if that is no longer wanted.
    mutating func answerEnded() -> Bool {
        guard self.state == .sendingAnswer else { return false }
        self.state = .ready
        return true
    }

    /// An answer is written behind those that wait to be sent.
    mutating func answerWritten(now: Int) -> Action { self.lifetime.isDraining ? self.finish(now: now) : .none }

    /// An answer is written that is the last one, whatever the client still sends.
    mutating func lastAnswerWritten(now: Int) -> Action { self.finish(now: now) }

    // MARK: Requests for the router

    /// The codec gets the request at hand. Its head follows by `headForwarded` once earlier answers are sent.
    mutating func routerTakesRequest() {
        guard self.state == .ready else { return }
        self.state = .awaitingRouter
        self.neededBytes = 1
    }

    /// The codec gets the connection, because only it can tell where the next request ends, or whether it is one.
    mutating func codecTakesConnection() {
        guard self.state == .ready else { return }
        self.state = .handedOver
        self.neededBytes = 1
    }

    /// A head that the recogniser has framed is about to go to the codec.
    mutating func headForwarded(_ head: UnsafeRawBufferPointer) { self.codec.passedHead(head) }

    /// Decides how many of `bytes` the codec gets.
    mutating func feed(_ bytes: UnsafeRawBufferPointer) -> CodecFeed.Step { self.codec.step(bytes) }

    /// Bytes are about to go to the codec.
    mutating func forwarding() { self.isCodecReadCompleteDue = true }

    /// Whether the codec is now due the end of its read: what it got is all for the moment.
    mutating func takeCodecReadComplete() -> Bool {
        guard self.isCodecReadCompleteDue else { return false }
        self.isCodecReadCompleteDue = false
        self.isCodecReading = true
        return true
    }

    /// The codec has read a head.
    mutating func codecReadHead(_ framing: CodecFeed.BodyFraming) {
        self.lifetime.headArrived()
        self.codec.readHead(framing)
    }

    /// The codec has read a whole request. If it is the last one, what follows it is not read.
    mutating func codecReadEnd(isLast: Bool) {
        self.codec.readEnd()
        if isLast { self.isInputDone = true }
    }

    /// The route is about to read the body of its request.
    mutating func bodyWanted() -> Action {
        self.codec.bodyWanted()
        return .pass
    }

    /// The codec has written the end of an answer, which is flushed right after.
    mutating func codecWroteEnd(isLast: Bool) {
        self.codec.answerWritten()
        if isLast { self.lifetime.isCloseDue = true }
    }

    /// What the codec has written is flushed.
    mutating func codecFlushed(now: Int) -> Action {
        guard !self.isClosing else { return .none }
        if self.lifetime.isCloseDue { return self.finish(now: now) }
        guard self.codec.isAnswered else { return .none }
        self.codec.nextRequest()
        if self.state == .awaitingRouter { self.state = .ready }
        return self.lifetime.isDraining ? self.finish(now: now) : .pass
    }

    // MARK: Reading

    /// A handler asks for more bytes.
    mutating func readAsked(buffered: Int, isWritable: Bool, isReceiveFull: Bool) -> Reading {
        if self.wantsBytes(buffered: buffered, isWritable: isWritable, isReceiveFull: isReceiveFull) { return .read }
        guard !self.isReadPaused else { return .ignore }
        self.isReadPaused = true
        return self.isInputDone ? .ignore : .pause
    }

    /// Whether a read that was put off happens now.
    mutating func resumesReading(buffered: Int, isWritable: Bool, isReceiveFull: Bool) -> Bool {
        let resumes = self.isReadPaused && self.wantsBytes(buffered: buffered, isWritable: isWritable, isReceiveFull: isReceiveFull)
        if resumes { self.isReadPaused = false }
        return resumes
    }

    /// The channel has read what there was. Returns whether the next read starts from here. The channel would ask for it from the far end of the
    /// pipeline, which is a longer way; but what went to the codec makes the far end ask.
    mutating func readCompleted() -> Bool {
        switch self.state {
        case .ready, .awaitingCache, .sendingAnswer, .closing, .closed:
            return true
        case .awaitingRouter, .handedOver:
            defer { self.isCodecReading = false }
            return !self.isCodecReading
        }
    }

    /// While an answer is pending, later requests wait, and beyond a bound they wait in the client: TCP's window is the backpressure. Up to the
    /// bound reading goes on, since switching it off and on again costs two system calls per request, and most clients do not pipeline.
    private func wantsBytes(buffered: Int, isWritable: Bool, isReceiveFull: Bool) -> Bool {
        guard !self.isInputDone else { return self.isClosing }
        let bound = isReceiveFull ? ConnectionAccount.uncountedBytes : self.bounds.pipelinedBytes
        switch self.state {
        case .ready, .sendingAnswer: return isWritable
        case .closing, .closed: return true
        case .awaitingCache: return buffered < bound
        case .awaitingRouter, .handedOver:
            return self.codec.isServiceDue ? buffered < bound : isWritable || !self.codec.isBetweenRequests
        }
    }

    // MARK: Writing

    /// `count` bytes of the lane's answers are about to be written and flushed. Returns whether the write carries a mark.
    mutating func sending(_ count: Int, now: Int) -> Bool {
        self.lifetime.sent(now: now)
        self.unsent.wrote(count)
        return self.unsent.flushing(now: now)
    }

    /// The codec writes `count` bytes.
    mutating func codecWrote(_ count: Int) { self.unsent.wrote(count) }

    /// What the codec has written is about to be flushed. Returns whether a mark follows it.
    mutating func codecFlushing(now: Int) -> Bool { self.unsent.flushing(now: now) }

    /// The socket has taken everything up to the mark. Returns whether what was written since then needs one, too.
    mutating func markTaken(now: Int) -> Bool { self.unsent.markTaken(now: now) && self.state != .closed }

    /// The client does not read at once: looks at it again soon.
    func clientStalled(now: Int) -> Action { .schedule(at: now + ConnectionTable.patience) }

    func writabilityChanged(isWritable: Bool) -> Action { isWritable ? .pass : .none }

    // MARK: The end

    /// The service stops. Closing an idle connection at once would reset a request that is already on its way, so each connection gets the drain
    /// time to bring one more, which is answered with `Connection: close`.
    mutating func drain(now: Int) -> Action {
        self.lifetime.isDraining = true
        switch self.state {
        case .ready, .handedOver: return .schedule(at: self.lifetime.mustClose(at: now + self.bounds.drain))
        case .closing, .sendingAnswer: return .schedule(at: self.lifetime.mustClose(at: now + self.bounds.lastAnswer))
        case .awaitingCache, .awaitingRouter, .closed: return .none
        }
    }

    /// The client has closed its side.
    mutating func inputClosed(isWritable: Bool) -> Action {
        self.lifetime.isInputClosed = true
        self.isInputEndPending = true
        return self.deliverInputClosed(isWritable: isWritable)
    }

    /// Whoever reads behind us ends the connection when it hears that the client has closed its side, so it hears only when every whole request
    /// has its answer.
    mutating func deliverInputClosed(isWritable: Bool) -> Action {
        guard self.isInputEndPending else { return .none }
        switch self.state {
        case .closing:
            self.isInputEndPending = false
            return .closeWhenTaken
        case .awaitingCache, .sendingAnswer, .closed:
            return .none
        case .ready, .awaitingRouter, .handedOver:
            // Requests may wait for room; a writable channel brings us here again.
            let mayWait = self.state != .awaitingRouter && (self.state == .ready || self.codec.isBetweenRequests)
            guard !self.isAnswerDue, isWritable || !mayWait else { return .none }
            self.isInputEndPending = false
            if self.state == .ready { self.state = .handedOver }
            return .deliverInputClosed
        }
    }

    /// A handler behind us closes the connection, which waits until the answers have left.
    mutating func closeAsked(now: Int) -> Action {
        guard !self.isClosing else { return .none }
        self.state = .closing
        return .schedule(at: self.boundLastAnswer(now: now))
    }

    /// The socket has taken the last answer. Closing both sides at once with bytes of the client unread would make the kernel send a reset, which
    /// may overtake the answer.
    mutating func lastAnswerTaken(now: Int) -> Action {
        guard self.state != .closed else { return .none }
        return self.lifetime.isInputClosed ? .close : .linger(until: self.lifetime.mustClose(at: now + self.bounds.linger))
    }

    /// The process has no room left for unread answers if `isUnsentFull`; this client was seen not to read if `isStalled`.
    mutating func timerFired(now: Int, isUnsentFull: Bool, isStalled: Bool) -> Action {
        guard self.state != .closed else { return .none }
        let isBusy = self.isAnswerDue
        if self.isForProbes, !isBusy, self.state != .closing { return .refuseConnection }
        let stalled = self.unsent.stalledSince.map { now - $0 } ?? 0
        if isUnsentFull, stalled >= ConnectionTable.patience { return .closeUnread }
        if isStalled, stalled >= self.bounds.idle { return .close }
        switch self.lifetime.verdict(now: now, isBusy: isBusy, idle: self.bounds.idle, request: self.bounds.request) {
        case .waitUntil(let time):
            // A request that begins meanwhile has an earlier end than what is known now.
            return .schedule(at: min(time, now + (isStalled ? ConnectionTable.patience : self.bounds.request)))
        case .close:
            if isBusy { return .schedule(at: now + Self.retryInterval) }
            return self.state == .closing || self.state == .sendingAnswer ? .close : self.finish(now: now)
        }
    }

    /// The channel is gone.
    mutating func inactive() { self.state = .closed }

    private mutating func finish(now: Int) -> Action {
        guard !self.isClosing else { return .none }
        self.state = .closing
        return .finish(by: self.boundLastAnswer(now: now))
    }

    /// Bounds the end of a connection whose last answer is written: a client that does not read it cannot keep the connection open.
    private mutating func boundLastAnswer(now: Int) -> Int {
        let time = now + (self.lifetime.isDraining ? self.bounds.lastAnswer : self.bounds.idle)
        self.lifetime.closes(by: time)
        return time
    }
}
