import Cache
import NIOCore

/// The ends of a connection: idle, slow, gone, or drained by the stop signal.
extension FastLane {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.scope.httpCounters.recordConnection(opened: true)
        self.lifetime.opened(now: EventLoopScope.now())
        self.scheduleTimer(context, at: EventLoopScope.now() + min(self.idleNanoseconds, self.requestNanoseconds))
    }

    func channelActive(context: ChannelHandlerContext) {
        self.admitConnection(context)
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.forget()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.forget()
        context.fireChannelInactive()
    }

    /// A client that is gone leaves no trace: an answer that still comes finds nobody.
    private func forget() {
        if self.context != nil {
            self.scope.httpCounters.recordConnection(opened: false)
            self.releaseConnection()
            self.countNothing()
        }
        self.forgetPending()
        self.timer?.cancel()
        self.timer = nil
        self.phase = .closing
        self.input = ByteBuffer()
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            self.drain(context)
        case ChannelEvent.inputClosed:
            self.lifetime.isInputClosed = true
            self.isInputClosedUndelivered = true
            self.deliverInputClosed(context)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// The service stops. Closing an idle connection at once would reset a request that is already on its way, so each connection gets
    /// the drain time to bring one more, which is answered with `Connection: close`.
    private func drain(_ context: ChannelHandlerContext) {
        self.lifetime.isDraining = true
        switch self.phase {
        case .ready, .handedOver:
            self.closeLater(context, in: self.scope.settings.drainTimeout)
        case .closing:
            self.closeLater(context, in: self.scope.settings.lastAnswerTimeout)
        case .awaitingCache, .awaitingRouter:
            break
        }
    }

    /// Starts the clock of a request that has begun, and stops it if the client owes nothing.
    func judgeLifetime() {
        let owes =
            switch self.phase {
            case .ready: self.input.readableBytes > 0
            case .awaitingCache, .closing: false
            case .awaitingRouter, .handedOver:
                !self.feed.isServiceDue && (!self.feed.isBetweenRequests || self.input.readableBytes > 0)
            }
        if owes { self.lifetime.owesRequest(now: self.now) } else { self.lifetime.owesNothing() }
    }

    /// Bounds the end of a connection whose last answer is written: a client that does not read it cannot keep the connection open.
    func beginClosing(_ context: ChannelHandlerContext) {
        let limit = self.lifetime.isDraining ? Int(self.scope.settings.lastAnswerTimeout.nanoseconds) : self.idleNanoseconds
        let time = EventLoopScope.now() + limit
        self.lifetime.closes(by: time)
        self.scheduleTimer(context, at: time)
    }

    /// The client will send nothing more. Whoever reads behind us ends the connection when it hears of it, so it hears only when every whole
    /// request has its answer.
    func deliverInputClosed(_ context: ChannelHandlerContext) {
        guard self.isInputClosedUndelivered else { return }
        switch self.phase {
        case .closing:
            self.isInputClosedUndelivered = false
            self.whenWritten(context) { context.close(promise: nil) }
        case _ where self.phase.isServiceDue(self.feed):
            return
        case .ready where !context.channel.isWritable, .handedOver where self.feed.isBetweenRequests && !context.channel.isWritable:
            // Requests may wait for room; `channelWritabilityChanged` comes here again.
            return
        case .awaitingCache:
            return
        case .ready, .awaitingRouter, .handedOver:
            self.isInputClosedUndelivered = false
            if self.phase == .ready { self.phase = .handedOver }
            if self.input.readableBytes > 0 {
                // What is left of an unfinished request is for the codec to refuse.
                context.fireChannelRead(self.wrapInboundOut(self.input))
                self.input = ByteBuffer()
                self.countReceived()
            }
            context.fireChannelReadComplete()
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    /// Ends the connection after its last answer: first our side, so that the client reads the answer to its end, then all of it. Closing
    /// both at once with bytes of the client unread would make the kernel send a reset, which may overtake the answer.
    func finishClosing(_ context: ChannelHandlerContext) {
        self.whenWritten(context) {
            guard !self.lifetime.isInputClosed else {
                context.close(promise: nil)
                return
            }
            context.close(mode: .output, promise: nil)
            context.read()
            self.closeLater(context, in: self.scope.settings.lingerTimeout)
        }
    }

    /// Whoever closes the channel from behind us waits until the answers have left: closing drops what the socket has not taken.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input, context.channel.isActive else {
            context.close(mode: mode, promise: promise)
            return
        }
        if mode == .all, self.phase != .closing {
            self.phase = .closing
            self.beginClosing(context)
        }
        self.whenWritten(context) { context.close(mode: mode, promise: promise) }
    }

    /// Calls `body` when the socket has taken everything that was written, or never will.
    private func whenWritten(_ context: ChannelHandlerContext, _ body: @escaping () -> Void) {
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in body() }
        context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: written)
    }

    private func closeLater(_ context: ChannelHandlerContext, in delay: TimeAmount) {
        let time = self.lifetime.mustClose(at: EventLoopScope.now() + Int(delay.nanoseconds))
        self.scheduleTimer(context, at: time)
    }

    private var idleNanoseconds: Int { Int(self.scope.settings.idleTimeout.nanoseconds) }
    private var requestNanoseconds: Int { Int(self.scope.settings.requestTimeout.nanoseconds) }

    private func scheduleTimer(_ context: ChannelHandlerContext, at time: Int) {
        self.timer?.cancel()
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(UInt64(max(0, time)))) {
            // Held strongly until it fires or is cancelled: a weak reference would give every retain of the lane a detour through a side table.
            self.timerFired()
        }
    }

    /// Looks again soon at a client that does not read, which loses its place if the process has no room left for unread answers, or at a connection
    /// that is one too many, which has little time to bring its one request.
    func lookAgainSoon(_ context: ChannelHandlerContext) { self.scheduleTimer(context, at: EventLoopScope.now() + ConnectionTable.patience) }

    private func isStalled(now: Int) -> Bool { self.unsent.stalledSince.map { now - $0 >= ConnectionTable.patience } ?? false }

    private func timerFired() {
        guard let context = self.context else { return }
        let isBusy = self.phase.isServiceDue(self.feed)
        let now = EventLoopScope.now()
        if self.isForProbes, !isBusy, self.phase != .closing {
            self.refuseConnection(.connections)
            return
        }
        guard !self.isStalled(now: now) || !self.scope.limiter.isUnsentFull else {
            self.scope.limiter.recordRefusal(.unreadConnections)
            context.close(promise: nil)
            return
        }
        switch self.lifetime.verdict(now: now, isBusy: isBusy, idle: self.idleNanoseconds, request: self.requestNanoseconds) {
        // A request that begins meanwhile has an earlier end than what is known now.
        case .waitUntil(let time):
            self.scheduleTimer(context, at: min(time, now + (self.countedUnsentBytes > 0 ? ConnectionTable.patience : self.requestNanoseconds)))
        case .close where self.phase != .closing && !isBusy: self.close(context)
        case .close where isBusy: self.scheduleTimer(context, at: now + 100_000_000)
        case .close: context.close(promise: nil)
        }
    }
}
