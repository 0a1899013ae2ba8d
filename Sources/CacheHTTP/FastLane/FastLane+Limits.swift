import NIOCore

/// What the lane does at a bound.
extension FastLane {
    /// Refuses a request because too many wait for Redis already: the sooner somebody hears that, the less it costs.
    func refuseOverload(_ request: KeyRequest, _ context: ChannelHandlerContext) {
        let requestID = request.requestID.flatMap { self.slice($0).map(RequestID.received) }
        self.consume(request.count)
        self.scope.limiter.recordRefusal(.requestsInFlight)
        let trailer = self.scope.trailer(requestID: requestID, start: self.now)
        let answer = Answer.overloaded(.requestsInFlight)
        self.scope.httpCounters.record(answer.status, by: .fastLane)
        self.append(answer, trailer, context)
    }

    /// Whether the connection is one too many. Such a one hears so at once, whatever it wanted to ask.
    func admitConnection(_ context: ChannelHandlerContext) {
        guard !self.isAdmitted else { return }
        self.isAdmitted = true
        self.peer = self.scope.limiter.peer(context.remoteAddress)
        self.scope.connections.insert(self)
        guard let reached = self.scope.limiter.admit(connectionFrom: self.peer) else { return }
        guard reached != .connections || !self.makeRoom() else { return }
        self.scope.limiter.recordRefusal(reached)
        let answer = Answer.overloaded(reached)
        self.scope.httpCounters.record(answer.status, by: .fastLane)
        self.refuse(answer)
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
