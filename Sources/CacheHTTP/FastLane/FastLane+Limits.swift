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
        guard let reached = self.scope.limiter.admit(connectionFrom: self.peer) else { return }
        let answer = Answer.overloaded(reached)
        self.scope.httpCounters.record(answer.status, by: .fastLane)
        self.refuse(answer)
    }

    func releaseConnection() {
        guard self.isAdmitted else { return }
        self.isAdmitted = false
        self.scope.limiter.release(connectionFrom: self.peer)
    }
}
