import NIOCore

/// Requests that the router answers: their bytes pass through to the codec, and the lane resumes when their answer has left.
extension FastLane {
    func handToCodec(_ count: Int, bodyRemaining: Int, _ context: ChannelHandlerContext) {
        guard let bytes = self.input.readSlice(length: count) else { return }
        self.phase = .awaitingRouter(bodyRemaining: bodyRemaining, answered: false)
        self.flushIfDue(context)
        self.forward(bytes, context)
        self.compactInput()
    }

    func forward(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        self.isReadCompleteDue = true
        context.fireChannelRead(self.wrapInboundOut(bytes))
    }

    /// Passes on what belongs to the body of the router's request. Returns false where nothing more can be taken now.
    func forwardBody(_ context: ChannelHandlerContext) -> Bool {
        let count = self.phase.takeBody(self.input.readableBytes)
        guard count > 0, let bytes = self.input.readSlice(length: count) else { return false }
        self.forward(bytes, context)
        self.compactInput()
        self.finishRouterRequestIfDone(context)
        return true
    }

    func forwardAll(_ context: ChannelHandlerContext) {
        let bytes = self.input
        self.input = ByteBuffer()
        self.forward(bytes, context)
    }

    /// The codec has written the end of an answer; its bytes are flushed by the same writer right after.
    func routerAnswered(closing: Bool) {
        self.lifetime.requestArrived()
        guard !closing else {
            self.lifetime.isCloseDue = true
            return
        }
        self.phase.routerAnswered()
    }

    /// What the codec has written passes through.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        self.scope.httpCounters.recordSent(self.unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        if self.lifetime.isCloseDue, self.phase != .closing {
            self.close(context)
        } else if self.phase.isRouterDone {
            self.now = EventLoopScope.now()
            self.finishRouterRequestIfDone(context)
            self.pass(context)
        }
    }

    func finishRouterRequestIfDone(_ context: ChannelHandlerContext) {
        guard self.phase.isRouterDone else { return }
        self.phase = .ready
        self.afterAnswer(context)
    }
}
