import Access
import Cache
import CacheAPI
import NIOCore
import Telemetry

/// The first handler of a connection: answers canonical requests for a key on the event loop, from the bytes, and passes everything else on.
///
/// `RequestRecogniser` says what is canonical, `ConnectionStateMachine` what to do. `DifferentialTests` compares it with the router.
final class FastLane: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// Its place in the table of this loop's connections, which sets it.
    var tableIndex = 0
    let scope: EventLoopScope
    var machine: ConnectionStateMachine
    var account: ConnectionAccount
    var judge: KeyRequestJudge
    var channel = ConnectionChannel()
    private var rounds = InputRounds()
    var input = ConnectionInput()
    var output = ConnectionOutput()
    /// The request that is with the cache.
    private var pending: PendingRequest?
    /// The batch that is with the cache, and its token.
    var pendingBatch: (batch: PendingBatch, token: UInt64)?
    /// Bytes of values that have come for it, as far as they are counted.
    var heldBytes = 0
    /// The clock as it was read last, in nanoseconds: a reading costs as much as a header field.
    var now = 0

    init(scope: EventLoopScope) {
        self.scope = scope
        self.machine = ConnectionStateMachine(ConnectionStateMachine.Bounds(scope.settings), usesFastLane: scope.settings.fastLane)
        self.account = ConnectionAccount(scope.limiter)
        self.judge = KeyRequestJudge(scope)
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.channel.open(context)
        self.scope.httpCounters.recordConnection(opened: true)
        self.perform(self.machine.opened(now: EventLoopScope.now()))
    }

    func channelActive(context: ChannelHandlerContext) {
        self.openAccount(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.now = EventLoopScope.now()
        // Of the instance: the compiler does not specialise the one of the type, which costs twice as much.
        var bytes = self.unwrapInboundIn(data)
        self.scope.httpCounters.recordReceived(bytes.readableBytes)
        guard self.machine.received(now: self.now) else { return }
        self.input.append(&bytes)
        self.pass(context, isEndOfRead: false)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.pass(context)
        if self.machine.readCompleted() { self.read(context: context) }
    }

    func read(context: ChannelHandlerContext) {
        let reading = self.machine.readAsked(
            buffered: self.input.count, isWritable: context.channel.isWritable, isReceiveFull: self.scope.limiter.isReceiveFull)
        switch reading {
        case .read: context.read()
        case .pause: self.scope.httpCounters.recordReadPause()
        case .ignore: break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.now = EventLoopScope.now()
        self.perform(self.machine.writabilityChanged(isWritable: context.channel.isWritable))
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: self.perform(self.machine.drain(now: EventLoopScope.now()))
        case ChannelEvent.inputClosed: self.perform(self.machine.inputClosed(isWritable: context.channel.isWritable))
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// What the codec writes passes through.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let count = self.unwrapOutboundIn(data).readableBytes
        self.scope.httpCounters.recordSent(count)
        self.machine.codecWrote(count)
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        let now = EventLoopScope.now()
        if self.machine.codecFlushing(now: now) { context.write(self.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: self.makeMark()) }
        context.flush()
        if self.machine.hasMarkUnderWay { self.countUnsent() }
        let action = self.machine.codecFlushed(now: now)
        guard action != .none else { return }
        self.now = now
        self.perform(action)
        if action != .pass { self.pass(context) }
    }

    /// Whoever closes the channel from behind us waits until the answers have left: closing drops what the socket has not taken.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input, context.channel.isActive else {
            context.close(mode: mode, promise: promise)
            return
        }
        if mode == .all { self.perform(self.machine.closeAsked(now: EventLoopScope.now())) }
        self.channel.whenTaken { context.close(mode: mode, promise: promise) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.forget()
        context.fireChannelInactive()
    }
    func handlerRemoved(context: ChannelHandlerContext) { self.forget() }

    private func timerFired() {
        self.perform(
            self.machine.timerFired(now: EventLoopScope.now(), isUnsentFull: self.scope.limiter.isUnsentFull, isStalled: self.account.isStalled))
    }

    // MARK: Actions

    func perform(_ action: ConnectionStateMachine.Action) {
        guard let context = self.channel.context else { return }
        switch action {
        case .none: break
        case .pass: self.pass(context)
        case .schedule(let time): self.schedule(at: time)
        case .finish(let time):
            self.input.removeAll()
            self.schedule(at: time)
            if self.output.count > 0 { self.flushOutput(context) } else { self.lastAnswerSent() }
            // A client that is still sending must be able to go on, or it never reads its answer.
            self.resumeReading(context)
        case .linger(let time):
            context.close(mode: .output, promise: nil)
            context.read()
            self.schedule(at: time)
        case .closeWhenTaken: self.channel.whenTaken { context.close(promise: nil) }
        case .close: context.close(promise: nil)
        case .closeUnread:
            self.scope.limiter.recordRefusal(.unreadConnections)
            context.close(promise: nil)
        case .refuseConnection: self.end(with: self.scope.refuse(.connections, by: .fastLane))
        case .deliverInputClosed:
            // What is left of an unfinished request is for the codec to refuse.
            if let rest = self.input.take(self.input.count), rest.readableBytes > 0 { context.fireChannelRead(self.wrapInboundOut(rest)) }
            self.countReceived()
            context.fireChannelReadComplete()
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    private func schedule(at time: Int) { self.channel.schedule(at: time) { self.timerFired() } }

    /// The client is gone: an answer that still comes is dropped.
    private func forget() {
        if self.channel.isOpen {
            self.scope.httpCounters.recordConnection(opened: false)
            if self.account.close() { self.scope.connections.remove(self) }
        }
        self.forgetPending()
        self.forgetBatch()
        self.machine.inactive()
        self.input.removeAll()
        self.output.dropRest()
        self.channel.close()
    }

    /// Takes what can be taken of the input, then sends what there is to send.
    func pass(_ context: ChannelHandlerContext, isEndOfRead: Bool = true) {
        guard self.rounds.begin() else { return }
        repeat {
            repeat { self.takeInput(context) } while self.output.hasRest && self.sendRest(context)
            if isEndOfRead {
                // The answers leave in one write, and the codec learns that what it got is all for now.
                self.flushOutput(context)
                if self.machine.takeCodecReadComplete() { context.fireChannelReadComplete() }
            }
        } while self.rounds.end()
        guard isEndOfRead else { return }
        self.machine.passEnded(buffered: self.input.count, now: self.now)
        self.countReceived()
        if self.machine.isInputEndPending { self.perform(self.machine.deliverInputClosed(isWritable: context.channel.isWritable)) }
        self.resumeReading(context)
    }

    private func resumeReading(_ context: ChannelHandlerContext) {
        guard self.machine.isReadPaused else { return }
        let resumes = self.machine.resumesReading(
            buffered: self.input.count, isWritable: context.channel.isWritable, isReceiveFull: self.scope.limiter.isReceiveFull)
        if resumes { context.read() }
    }

    private func takeInput(_ context: ChannelHandlerContext) {
        while self.input.count > 0 {
            let intake = self.machine.intake(
                buffered: self.input.count, unflushed: self.output.count, isWritable: context.channel.isWritable)
            switch intake {
            case .recognise: guard self.takeRequest(context) else { return }
            case .feedCodec: guard self.feedCodec(context) else { return }
            case .flush: self.flushOutput(context)
            case .discard: self.input.removeAll()
            case .wait: return
            }
        }
    }

    // MARK: Requests for the cache

    /// Takes the next request. Returns false if more bytes are needed.
    private func takeRequest(_ context: ChannelHandlerContext) -> Bool {
        switch self.judge.judge(self.input.bytes, self.account, isForProbes: self.machine.isForProbes, now: self.now) {
        case .incompleteHead:
            self.machine.headIncomplete(buffered: self.input.count)
            return false
        case .awaitBody(let count):
            self.machine.bodyIncomplete(requestCount: count)
            return false
        case .cache(let request, let value, let count):
            self.input.drop(count)
            let token = self.machine.requestTaken()
            if let outcome = self.scope.ask(request, value: value, now: self.now, token: token, receiver: self) {
                self.write(request, outcome)
            } else {
                self.pending = request
                self.scope.recordWaiting(began: true)
                self.machine.cacheAnswersLater(token: token)
            }
        case .batch(let batch, let count):
            self.input.drop(count)
            self.take(batch, token: self.machine.requestTaken())
        case .router(let headCount):
            self.handToCodec(headCount, context)
        case .codec:
            self.machine.codecTakesConnection()
            self.flushOutput(context)
        case .refuse(let kind, let requestID, let count):
            let trailer = self.scope.trailer(requestID: requestID, start: self.now)
            self.input.drop(count)
            _ = self.machine.requestTaken()
            self.append(self.scope.refuse(kind, by: .fastLane), trailer)
        case .refuseAndClose(let kind, let requestID):
            self.machine.requestRefused()
            self.end(with: self.scope.refuse(kind, by: .fastLane), requestID: requestID)
        }
        return true
    }

    private func write(_ request: PendingRequest, _ outcome: CacheAnswer) {
        let (answer, trailer) = self.scope.answer(request, outcome)
        self.now = request.start + trailer.processNanoseconds
        self.append(answer, trailer)
    }

    /// Puts an answer behind those that wait to be sent.
    private func append(_ answer: Answer, _ trailer: AnswerTrailer) {
        self.output.append(answer, trailer, isLast: self.machine.isDraining)
        self.perform(self.machine.answerWritten(now: self.now))
    }

    private func forgetPending() {
        guard self.pending != nil else { return }
        self.pending = nil
        self.scope.recordWaiting(began: false)
    }

    /// Writes an answer that is the last one, whatever the client still sends.
    func end(with answer: Answer, requestID: RequestID? = nil, isHeadOnly: Bool = false) {
        guard self.channel.isOpen, !self.machine.isClosing else { return }
        let now = EventLoopScope.now()
        self.output.append(answer, self.scope.trailer(requestID: requestID, start: now), isLast: true, isHeadOnly: isHeadOnly)
        self.perform(self.machine.lastAnswerWritten(now: now))
    }

    // MARK: Bytes out

    func flushOutput(_ context: ChannelHandlerContext) {
        guard self.output.count > 0 else { return }
        // Taken out first: writing may call back into this handler.
        var bytes = self.output.takeAll()
        self.scope.httpCounters.recordSent(bytes.readableBytes)
        let isMarked = self.machine.sending(bytes.readableBytes, now: self.now)
        context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(bytes)), promise: isMarked ? self.makeMark() : nil)
        if self.machine.hasMarkUnderWay { self.countUnsent() }
        self.output.reuse(&bytes)
        if self.machine.isClosing { self.lastAnswerSent() }
    }

    private func lastAnswerSent() { self.channel.whenTaken { self.perform(self.machine.lastAnswerTaken(now: EventLoopScope.now())) } }

    private func makeMark() -> EventLoopPromise<Void>? {
        self.channel.promise {
            let needsMark = self.machine.markTaken(now: EventLoopScope.now())
            guard let context = self.channel.context else { return }
            if needsMark { context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: self.makeMark()) }
            if self.account.isStalled { self.countUnsent() }
        }
    }

    // MARK: The account

    /// Admits the connection, unless there are too many. One over the limit may send a probe; anything else is refused.
    private func openAccount(_ context: ChannelHandlerContext) {
        guard !self.account.isOpen else { return }
        let now = EventLoopScope.now()
        let reached = self.account.open(from: context.remoteAddress)
        self.scope.connections.insert(self)
        guard let reached, reached != .connections || !self.scope.makeRoom(now: now) else { return }
        if self.account.foundNoPlace(reached) {
            self.perform(self.machine.restrictedToProbes(now: now))
        } else {
            self.end(with: self.scope.refuse(reached, by: .fastLane))
        }
    }

    /// Counts what waits for the client, and looks at it again if it goes on waiting.
    func countUnsent() {
        if self.account.countUnsent(self.machine.unreadBytes + self.heldBytes + self.output.restCount) {
            self.perform(self.machine.clientStalled(now: EventLoopScope.now()))
        }
    }

    private func countReceived() {
        self.input.shrink()
        self.account.countReceived(self.machine.heldBytes(buffered: self.input.count))
    }
}

extension FastLane: CacheAnswerReceiver {
    func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        guard let context = self.channel.context, let request = self.pending,
            let answer = self.scope.resolve(answer, to: request, token: token, receiver: self), self.machine.cacheAnswered(token: token)
        else { return }
        self.forgetPending()
        self.write(request, answer)
        self.pass(context)
    }
}

extension FastLane: ReplaceableConnection {
    var owesSince: Int? { self.account.isExcess ? nil : self.machine.owesSince }
    func giveUpPlace() { self.channel.context?.close(promise: nil) }
}

@available(*, unavailable)
extension FastLane: Sendable {}
