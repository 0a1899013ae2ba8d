import CacheAPI
import NIOCore

/// What goes to the codec, and what comes back from it.
extension FastLane {
    // MARK: Requests for the router

    /// Passes on a head that the recogniser has framed; `feedCodec` passes on its body.
    func handToCodec(_ headCount: Int, _ context: ChannelHandlerContext) {
        guard let head = self.input.take(headCount) else { return }
        self.machine.routerTakesRequest()
        self.flushOutput(context)
        head.withUnsafeReadableBytes { self.machine.headForwarded($0) }
        self.machine.forwarding()
        context.fireChannelRead(self.wrapInboundOut(head))
    }

    /// Passes on what the codec may have now. Returns false if that is nothing.
    func feedCodec(_ context: ChannelHandlerContext) -> Bool {
        switch self.input.bytes.withUnsafeReadableBytes({ self.machine.feed($0) }) {
        case .take(let count):
            guard let bytes = self.input.take(count) else { return false }
            self.machine.forwarding()
            context.fireChannelRead(self.wrapInboundOut(bytes))
            return true
        case .malformed: self.refuseHead(.invalidRequest)
        case .headTooLarge: self.refuseHead(.headTooLarge)
        case .wait: break
        }
        return false
    }
}

extension FastLane: CodecObserver {
    var endsAfterAnswer: Bool { self.machine.isForProbes || self.machine.isDraining }

    func refusal(isProbe: Bool) -> Answer? {
        isProbe ? nil : self.judge.reachedBound(isForProbes: self.machine.isForProbes).map { self.scope.limiter.refuse($0) }
    }

    func refuseHead(_ answer: Answer) {
        self.scope.httpCounters.record(answer.status, by: .router)
        self.end(with: answer, isHeadOnly: self.machine.isHeadRequest)
    }

    func codecReadHead(_ framing: CodecFeed.BodyFraming) { self.machine.codecReadHead(framing) }
    func codecReadEnd(isLast: Bool) { self.machine.codecReadEnd(isLast: isLast) }
    func codecWroteEnd(isLast: Bool) { self.machine.codecWroteEnd(isLast: isLast) }

    func bodyWanted() {
        self.now = EventLoopScope.now()
        self.perform(self.machine.bodyWanted())
    }
}
