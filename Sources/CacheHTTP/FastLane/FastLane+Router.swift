import NIOCore

/// Requests that the router answers: their bytes pass through to the codec, and the lane resumes when their answer has left.
extension FastLane {
    /// Passes on a head that the recogniser has framed; `feedCodec` passes on its body.
    func handToCodec(_ headCount: Int, _ context: ChannelHandlerContext) {
        guard let head = self.input.readSlice(length: headCount) else { return }
        self.phase = .awaitingRouter
        self.flushIfDue(context)
        head.withUnsafeReadableBytes { self.feed.passedHead($0) }
        self.forward(head, context)
        self.compactInput()
    }

    /// Passes on what the codec may have now. Returns false if that is nothing.
    func feedCodec(_ context: ChannelHandlerContext) -> Bool {
        guard !self.feed.isBetweenRequests || self.hasRoomForAnswer(context) else { return false }
        switch self.input.withUnsafeReadableBytes({ self.feed.step($0) }) {
        case .take(let count):
            guard let bytes = self.input.readSlice(length: count) else { return false }
            self.forward(bytes, context)
            self.compactInput()
            return true
        case .wait:
            return false
        case .malformed:
            self.refuseHead(.invalidRequest)
            return false
        case .headTooLarge:
            self.refuseHead(.headTooLarge)
            return false
        }
    }

    private func forward(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        self.isReadCompleteDue = true
        context.fireChannelRead(self.wrapInboundOut(bytes))
    }

    // MARK: What the codec gate tells

    /// The codec has read a head.
    func codecReadHead(_ framing: CodecFeed.BodyFraming) {
        self.lifetime.headArrived()
        self.feed.readHead(framing)
    }

    /// The codec has read a whole request.
    /// - Parameter isLast: what follows it is not read.
    func codecReadEnd(isLast: Bool) {
        self.feed.readEnd()
        if isLast { self.isInputDone = true }
    }

    /// The route wants the body of its request.
    func bodyWanted() {
        self.feed.bodyWanted()
        guard let context = self.context else { return }
        self.now = EventLoopScope.now()
        self.pass(context)
    }

    /// The codec has written the end of an answer; its bytes are flushed by the same writer right after.
    func routerAnswered(closing: Bool) {
        self.feed.answerWritten()
        if closing { self.lifetime.isCloseDue = true }
    }

    // MARK: What the codec writes

    /// What the codec has written passes through.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let count = self.unwrapOutboundIn(data).readableBytes
        self.scope.httpCounters.recordSent(count)
        self.isMarkDue = self.unsent.wrote(count)
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        if self.isMarkDue {
            self.isMarkDue = false
            context.write(self.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: self.makeMark(context))
        }
        context.flush()
        if self.unsent.stalledSince != nil { self.countUnsent(context) }
        if self.lifetime.isCloseDue, self.phase != .closing {
            self.close(context)
        } else if self.feed.isAnswered, self.phase != .closing {
            self.now = EventLoopScope.now()
            self.feed.nextRequest()
            if self.phase == .awaitingRouter { self.phase = .ready }
            self.afterAnswer(context)
            self.pass(context)
        }
    }
}
