import Access
import NIOCore

/// What the lane does at a bound.
extension FastLane {
    // MARK: Requests

    /// Why no request is taken now; nil if one is.
    /// - Parameter isProbe: it asks how the service is, which is answered as long as anything is.
    func refusalAtBound(isProbe: Bool = false) -> Answer? {
        guard !isProbe else { return nil }
        if self.isForProbes { return self.refusal(.connections) }
        return self.scope.limiter.isUnsentFull ? self.refusal(.unsentBytes) : nil
    }

    private func refusal(_ kind: LimitKind) -> Answer {
        self.scope.limiter.recordRefusal(kind)
        return Answer.overloaded(kind)
    }

    /// Refuses a request because too many wait for Redis already: the sooner somebody hears that, the less it costs.
    func refuseOverload(_ request: KeyRequest, _ context: ChannelHandlerContext) {
        let requestID = self.requestID(of: request)
        self.consume(request.count)
        let trailer = self.scope.trailer(requestID: requestID, start: self.now)
        let answer = self.refusal(.requestsInFlight)
        self.scope.httpCounters.record(answer.status, by: .fastLane)
        self.append(answer, trailer, context)
    }

    /// Judges a request by its head, since its body is still to come: whoever may not send it hears so at once, and nothing of it is kept.
    ///
    /// - Returns: false if the lane waits for the body, true if somebody else has the request now.
    func awaitBody(_ request: KeyRequest, _ context: ChannelHandlerContext) -> Bool {
        guard self.scope.waitingRequests < self.scope.maximumWaitingRequests else {
            self.refuse(self.refusal(.requestsInFlight), request)
            return true
        }
        let isForRouter = request.hasOrigin && self.scope.settings.cors != nil
        guard !isForRouter, self.admits(.write, request) else {
            self.handToCodec(request.body.lowerBound, context)
            return true
        }
        guard self.scope.limiter.hasRoomToReceive(request.count - self.countedReceivedBytes) else {
            self.refuse(self.refusal(.receivedBytes), request)
            return true
        }
        return self.waitForBytes(request.count)
    }

    /// Answers a request that the lane has recognised, and ends the connection: what follows its head is not read.
    func refuse(_ answer: Answer, _ request: KeyRequest) {
        self.scope.httpCounters.record(answer.status, by: .fastLane)
        self.refuse(answer, requestID: self.requestID(of: request), isHeadOnly: false)
    }

    /// Answers what is no request, or none that is taken, and ends the connection.
    func refuseHead(_ answer: Answer) {
        self.scope.httpCounters.record(answer.status, by: .router)
        self.refuse(answer, requestID: nil, isHeadOnly: self.feed.isHeadRequest)
    }

    private func refuse(_ answer: Answer, requestID: RequestID?, isHeadOnly: Bool) {
        guard let context = self.context, self.phase != .closing else { return }
        let trailer = self.scope.trailer(requestID: requestID, start: EventLoopScope.now())
        answer.write(trailer, closing: true, isHeadOnly: isHeadOnly, into: &self.output)
        self.isFlushDue = true
        self.close(context)
    }

    // MARK: Bytes that wait

    /// Counts what this connection holds of requests, as far as it is worth counting.
    func countReceived() {
        var held = self.phase == .closing ? 0 : self.input.readableBytes
        if held > 0 {
            // A buffer of a read is much larger than the few bytes that may be left in it.
            if self.input.storageCapacity > max(Self.uncountedBytes, 4 * held) { self.input = ByteBuffer(bytes: self.input.readableBytesView) }
            if self.phase == .ready { held = max(held, self.neededBytes) }
        }
        let counted = held > Self.uncountedBytes ? held : 0
        guard counted != self.countedReceivedBytes else { return }
        self.scope.limiter.receiving(counted - self.countedReceivedBytes)
        self.countedReceivedBytes = counted
    }

    /// A promise for a write: it is kept when the socket has taken everything up to that write.
    func makeMark(_ context: ChannelHandlerContext) -> EventLoopPromise<Void> {
        self.unsent.mark(now: self.now)
        let taken = context.eventLoop.makePromise(of: Void.self)
        taken.futureResult.assumeIsolated().whenComplete { _ in self.tookMark() }
        return taken
    }

    private func tookMark() {
        let needsMark = self.unsent.tookMark()
        guard let context = self.context else { return }
        if needsMark {
            self.now = EventLoopScope.now()
            context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: self.makeMark(context))
        }
        if self.countedUnsentBytes > 0 { self.countUnsent(context) }
    }

    /// Tells the process how much waits for this client, and looks at it again if it goes on waiting.
    func countUnsent(_ context: ChannelHandlerContext) {
        let waiting = self.unsent.waiting
        if self.countedUnsentBytes == 0, waiting > 0 { self.lookAgainSoon(context) }
        self.scope.limiter.unsent(waiting - self.countedUnsentBytes)
        self.countedUnsentBytes = waiting
    }

    /// Nothing of this connection waits any more.
    func countNothing() {
        self.scope.limiter.unsent(-self.countedUnsentBytes)
        self.scope.limiter.receiving(-self.countedReceivedBytes)
        self.countedUnsentBytes = 0
        self.countedReceivedBytes = 0
    }

    // MARK: Connections

    /// Takes the connection in, unless it is one too many. Such a one may ask how the service is; whatever else it wants, it hears that there is no room.
    func admitConnection(_ context: ChannelHandlerContext) {
        guard !self.isAdmitted else { return }
        self.isAdmitted = true
        self.peer = self.scope.limiter.peer(context.remoteAddress)
        self.scope.connections.insert(self)
        guard let reached = self.scope.limiter.admit(connectionFrom: self.peer) else { return }
        guard reached != .connections || !self.makeRoom() else { return }
        self.isExcess = true
        if reached == .connections, self.scope.limiter.hasRoomForProbes {
            self.isForProbes = true
            self.lookAgainSoon(context)
            return
        }
        self.refuseConnection(reached)
    }

    /// Tells a connection that has no place, or has not brought its probe in time, that there is no room, and ends it.
    func refuseConnection(_ kind: LimitKind) {
        let answer = self.refusal(kind)
        self.scope.httpCounters.record(answer.status, by: .fastLane)
        self.refuse(answer, requestID: nil, isHeadOnly: false)
    }

    /// Ends a connection whose client has owed a request for too long, so that slow clients cannot hold all the places there are.
    private func makeRoom() -> Bool {
        guard let slow = self.scope.connections.slowest(now: EventLoopScope.now()), let context = slow.context else { return false }
        self.scope.limiter.recordRefusal(.connectionsEvicted)
        context.close(promise: nil)
        return true
    }

    func releaseConnection() {
        guard self.isAdmitted else { return }
        self.isAdmitted = false
        self.scope.connections.remove(self)
        self.scope.limiter.release(connectionFrom: self.peer)
    }
}
