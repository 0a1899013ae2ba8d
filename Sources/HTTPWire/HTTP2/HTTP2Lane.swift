import Access
import Cache
import CacheAPI
import DequeModule
import NIOCore
import NIOHPACK
import NIOHTTP2

/// The lane of an HTTP/2 connection, between NIO's handler of the connection, which keeps frames, compression, flow control and the states of
/// streams, and the multiplexer, which gives each stream of the router a channel.
///
/// It answers canonical requests for a key from the frames, on the event loop, as `FastLane` does from the bytes: one judge decides for both.
/// Everything else goes on to the multiplexer. `HTTP2Lifetime` says when the connection ends, `HTTP2StreamTable` what is open.
final class HTTP2Lane: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// How many requests for the router may lack their bodies at once.
    private static let maximumOpen = 64
    /// How much a turn of the event loop reads of a connection.
    private static let bytesOfATurn = 16 * 1024

    let connection: HTTP2Connection
    let scope: EventLoopScope
    private let protocols: any ConnectionProtocols
    private var context: ChannelHandlerContext?
    private var output: HTTP2Output?
    private var judge: KeyRequestJudge
    private var reader: HTTP2RequestReader
    /// Requests that lack bytes of their bodies.
    private var bodies = HTTP2BodyTable()
    /// Requests that are with the cache.
    private var pending: [HTTP2StreamID: PendingRequest] = [:]
    var batches = HTTP2Batches()
    /// Requests that wait because the client does not take its answers.
    private var waiting: Deque<(id: HTTP2StreamID, headers: HPACKHeaders)> = []
    /// Requests for the router, until the end of the read.
    private var parked: Deque<(id: HTTP2StreamID, headers: HPACKHeaders)> = []
    private var isReading = false
    private var isFlushScheduled = false
    private var rounds = InputRounds()

    init(_ scope: EventLoopScope, _ account: consuming ConnectionAccount, _ protocols: any ConnectionProtocols) {
        self.connection = HTTP2Connection(scope, account)
        self.scope = scope
        self.protocols = protocols
        self.judge = KeyRequestJudge(scope, over: .http2)
        self.reader = HTTP2RequestReader(self.judge.recogniser)
    }

    /// Puts the handlers of the connection into its pipeline, behind `first`.
    func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations, after first: any ChannelHandler, on channel: any Channel) throws {
        // A frame of 13 bytes can cost as much as a request. What a turn of the event loop reads is bounded, so that a connection that brings nothing else
        // does not keep the others waiting.
        try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
        try channel.syncOptions?.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: Self.bytesOfATurn))
        let output = HTTP2Output(self.connection)
        self.output = output
        let frames = NIOHTTP2Handler(
            mode: .server, frameDelegate: self.connection, connectionConfiguration: self.scope.settings.http2Connection,
            streamConfiguration: self.scope.settings.http2Streams)
        let multiplexer = HTTP2StreamMultiplexer(mode: .server, channel: channel, inboundStreamInitializer: self.protocols.makeHTTP2())
        try pipeline.addHandlers([output, frames, self, multiplexer], position: .after(first))
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.connection.open(context, self.output) { [weak self] in self?.goOn() }
        self.output = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.connection.isClosing else { return }
        self.isReading = true
        let frame = self.unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers):
            self.connection.frameArrived(isOfRequest: true)
            self.received(headers, on: frame.streamID, context)
        case .data(let data):
            self.connection.frameArrived(isOfRequest: true)
            self.received(data, frame, context)
        case .ping(let data, let isAck):
            self.connection.frameArrived(isOfRequest: false)
            if isAck { self.connection.pingAnswered(data) }
        case .rstStream:
            self.connection.frameArrived(isOfRequest: false)
            if self.connection.streams[frame.streamID]?.isRouted == true { context.fireChannelRead(data) }
        case .settings, .windowUpdate, .goAway, .priority, .pushPromise, .alternativeService, .origin:
            self.connection.frameArrived(isOfRequest: false)
        }
    }

    /// NIO has sent by now what was written during the read.
    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        self.connection.readCompleted()
        self.goOn()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.connection.readClock()
        self.goOn()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let closed = event as? StreamClosedEvent {
            self.streamClosed(closed, context)
        } else if let changed = event as? NIOHTTP2WindowUpdatedEvent {
            self.windowChanged(changed.streamID, inbound: changed.inboundWindowSize, event, context)
        } else if let created = event as? NIOHTTP2StreamCreatedEvent {
            self.windowChanged(created.streamID, inbound: created.remoteInitialWindowSize.map { Int($0) }, event, context)
        } else if event is ChannelShouldQuiesceEvent {
            self.connection.announceStop()
        } else if case .inputClosed? = event as? ChannelEvent {
            self.connection.inputClosed()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// What streams of the router write passes through.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let frame = self.unwrapOutboundIn(data)
        switch frame.payload {
        case .data(let data): self.connection.streams.wrote(data.data.readableBytes, isEnd: data.endStream, on: frame.streamID)
        case .headers(let headers): self.connection.streams.wrote(0, isEnd: headers.endStream, on: frame.streamID)
        default: break
        }
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        guard !self.isReading else { return }
        self.connection.readClock()
        self.connection.answered()
        self.goOn()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.connection.hasFailed {
            self.connection.close()
        } else if error is NIOHTTP2Errors.StreamError {
            context.fireErrorCaught(error)
        } else if error is IOError || error is ChannelError {
            context.close(promise: nil)
        }
        // Of an error of a stream NIO has told the client.
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.forget()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.forget() }

    // MARK: Requests

    private func received(_ headers: HTTP2Frame.FramePayload.Headers, on id: HTTP2StreamID, _ context: ChannelHandlerContext) {
        if let stream = self.connection.streams[id] {
            // Trailers, which change nothing.
            self.connection.streams.requestEnded(id)
            if stream.isRouted {
                context.fireChannelRead(self.wrapInboundOut(HTTP2Frame(streamID: id, payload: .headers(headers))))
            } else {
                self.bodyEnded(id, context)
            }
            return
        }
        guard self.connection.takesStreams else { return self.connection.send(.rstStream(.refusedStream), on: id) }
        self.scope.httpCounters.recordHTTP2Request()
        self.connection.streams.open(HTTP2StreamTable.Stream(id: id, isRequestOpen: !headers.endStream, openedAt: self.connection.now))
        if headers.endStream, self.connection.mustWait || !self.waiting.isEmpty {
            self.waiting.append((id, headers.headers))
        } else {
            self.take(headers, id, isFresh: true, context)
        }
    }

    private func take(_ headers: HTTP2Frame.FramePayload.Headers, _ id: HTTP2StreamID, isFresh: Bool, _ context: ChannelHandlerContext) {
        switch self.reader.read(headers.headers, isComplete: headers.endStream) {
        case .refused(let answer): self.refuse(answer, on: id, headers.headers)
        case .other: self.route(headers, body: nil, id, isFresh: isFresh, context)
        case .key(let request, let bytes):
            guard self.scope.settings.fastLane else { return self.route(headers, body: nil, id, isFresh: isFresh, context) }
            self.act(
                self.judge.judge(request, bytes, countedBytes: 0, isForProbes: false, now: self.connection.now), request, bytes, headers, id,
                isFresh: isFresh,
                context)
        }
    }

    private func act(
        _ verdict: KeyRequestJudge.Verdict, _ request: KeyRequest, _ bytes: ByteBuffer, _ headers: HTTP2Frame.FramePayload.Headers,
        _ id: HTTP2StreamID, isFresh: Bool, _ context: ChannelHandlerContext
    ) {
        switch verdict {
        case .cache(let request, let value, _):
            if let outcome = self.scope.ask(request, value: value, now: self.connection.now, token: UInt64(Int(id)), receiver: self) {
                self.write(request, outcome, on: id)
            } else {
                self.pending[id] = request
                self.scope.recordWaiting(began: true)
            }
        case .batch(let batch, _):
            self.take(batch, on: id)
        case .awaitBody:
            self.judge.setAside()
            self.bodies.add(HTTP2BodyTable.Body(id: id, headers: headers, request: request, bytes: bytes))
        case .router:
            // A body that has been taken goes with its head.
            let body = request.body.isEmpty ? nil : bytes.getSlice(at: bytes.readerIndex + request.body.lowerBound, length: request.body.count)
            self.route(headers, body: body, id, isFresh: isFresh, context)
        case .refuse(let kind, let requestID, _), .refuseAndClose(let kind, let requestID):
            self.append(self.scope.refuse(kind, by: .fastLane), self.scope.trailer(requestID: requestID, start: self.connection.now), on: id)
        case .incompleteHead, .codec:
            self.route(headers, body: nil, id, isFresh: isFresh, context)
        }
    }

    private func received(_ data: HTTP2Frame.FramePayload.Data, _ frame: HTTP2Frame, _ context: ChannelHandlerContext) {
        let id = frame.streamID
        guard let stream = self.connection.streams[id] else { return }
        if data.endStream { self.connection.streams.requestEnded(id) }
        guard !stream.isRouted else { return context.fireChannelRead(self.wrapInboundOut(frame)) }
        if case .byteBuffer(let bytes) = data.data { self.bodies.append(bytes, on: id) }
        if data.endStream { self.bodyEnded(id, context) }
    }

    private func bodyEnded(_ id: HTTP2StreamID, _ context: ChannelHandlerContext) {
        guard let body = self.bodies.remove(id) else { return }
        self.judge.takeUp()
        // NIO has compared the length of the body with the one that the head promised.
        let verdict = self.judge.judge(body.request, body.bytes, countedBytes: body.request.count, isForProbes: false, now: self.connection.now)
        self.act(verdict, body.request, body.bytes, body.headers, id, isFresh: false, context)
    }

    // MARK: Requests for the router

    /// Has the router answer a request, soon if it has no body: one that the client takes back in the same read must not cost a channel and a task
    /// (CVE-2023-44487).
    private func route(
        _ headers: HTTP2Frame.FramePayload.Headers, body: ByteBuffer?, _ id: HTTP2StreamID, isFresh: Bool, _ context: ChannelHandlerContext
    ) {
        if headers.endStream {
            self.parked.append((id, headers.headers))
        } else {
            self.handOver(headers, body: body, id, isFresh: isFresh, context)
        }
    }

    /// Gives a stream to the multiplexer, and with it everything that is still to come on it.
    /// - Parameters:
    ///   - body: the whole body, if it has come.
    ///   - isFresh: NIO is about to say that the stream was created. Otherwise it has done so.
    private func handOver(
        _ headers: HTTP2Frame.FramePayload.Headers, body: ByteBuffer?, _ id: HTTP2StreamID, isFresh: Bool, _ context: ChannelHandlerContext
    ) {
        let isProbe = headers.headers.first(name: ":path").map { RouteTable.isProbe($0) } == true
        if !isProbe, let kind = self.judge.reachedBound(isForProbes: false) {
            return self.refuse(self.scope.limiter.refuse(kind), on: id, headers.headers)
        }
        let isOpen = !headers.endStream && body == nil
        let hasRoom = !isOpen || self.connection.streams.routedOpenCount < Self.maximumOpen
        guard hasRoom, self.scope.limiter.admitStream(isProbe: isProbe, isOpen: isOpen) else {
            return self.refuse(self.scope.limiter.refuse(.streams), on: id, headers.headers)
        }
        self.connection.streams.route(id)
        context.fireChannelRead(self.wrapInboundOut(HTTP2Frame(streamID: id, payload: .headers(headers))))
        if !isFresh {
            context.fireUserInboundEventTriggered(
                NIOHTTP2StreamCreatedEvent(streamID: id, localInitialWindowSize: nil, remoteInitialWindowSize: nil))
        }
        guard let body else { return }
        let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(body), endStream: true)
        context.fireChannelRead(self.wrapInboundOut(HTTP2Frame(streamID: id, payload: .data(data))))
    }

    private func handOverParked(_ context: ChannelHandlerContext) {
        guard !self.parked.isEmpty else { return }
        while let next = self.parked.popFirst() {
            self.handOver(.init(headers: next.headers, endStream: true), body: nil, next.id, isFresh: false, context)
        }
        // The multiplexer holds back what its streams write until it has heard of the end of the read.
        context.fireChannelReadComplete()
    }

    private func refuse(_ answer: Answer, on id: HTTP2StreamID, _ headers: HPACKHeaders) {
        self.scope.httpCounters.record(answer.status, by: .router)
        let isHead = headers.first(name: ":method") == "HEAD"
        self.append(answer, self.scope.trailer(requestID: nil, start: self.connection.now), on: id, isHeadOnly: isHead)
    }

    // MARK: Answers

    private func write(_ request: PendingRequest, _ outcome: CacheAnswer, on id: HTTP2StreamID) {
        let (answer, trailer) = self.scope.answer(request, outcome)
        self.connection.now = request.start + trailer.processNanoseconds
        self.append(answer, trailer, on: id)
    }

    /// Gives an answer to the connection. It leaves with the next flush, as far as the client's windows let it.
    func append(_ answer: Answer, _ trailer: AnswerTrailer, on id: HTTP2StreamID, isHeadOnly: Bool = false) {
        let (head, data) = self.scope.answerFields.payloads(answer, trailer, isHeadOnly: isHeadOnly)
        self.connection.answered()
        self.connection.streams.wrote(data?.data.readableBytes ?? 0, isEnd: true, on: id)
        self.connection.send(.headers(head), on: id)
        if let data { self.connection.send(.data(data), on: id) }
    }

    /// Sends what there is to send, and lets go on what has waited for that.
    private func goOn() {
        guard let context = self.context, !self.isReading, self.rounds.begin() else { return }
        var isMoreDue = false
        repeat {
            while !self.connection.mustWait, let next = self.waiting.popFirst() {
                self.take(HTTP2Frame.FramePayload.Headers(headers: next.headers, endStream: true), next.id, isFresh: false, context)
            }
            self.handOverParked(context)
            self.writeRests()
            isMoreDue = self.connection.flush() || !self.connection.mustWait && (!self.waiting.isEmpty || self.batches.hasRest)
        } while self.rounds.end() || isMoreDue
        self.connection.settled(heldBytes: self.bodies.heldBytes)
    }

    // MARK: Streams

    private func streamClosed(_ closed: StreamClosedEvent, _ context: ChannelHandlerContext) {
        guard let stream = self.connection.streams.close(closed.streamID) else { return }
        self.forgetBatch(on: closed.streamID)
        if stream.isRouted {
            self.scope.limiter.releaseStream()
            context.fireUserInboundEventTriggered(closed)
        } else if !stream.isAnswered {
            if self.pending.removeValue(forKey: closed.streamID) != nil { self.scope.recordWaiting(began: false) }
            _ = self.bodies.remove(closed.streamID)
            self.waiting.removeAll { $0.id == closed.streamID }
            self.parked.removeAll { $0.id == closed.streamID }
        }
        if !self.connection.takesStreams { self.goOn() }
    }

    private func windowChanged(_ id: HTTP2StreamID, inbound size: Int?, _ event: Any, _ context: ChannelHandlerContext) {
        if id == .rootStream {
            if let size { self.connection.windowChanged(size) }
        } else if self.connection.streams[id]?.isRouted == true {
            context.fireUserInboundEventTriggered(event)
        } else if let size, let increment = self.bodies.windowIncrement(id, window: size) {
            self.connection.send(.windowUpdate(windowSizeIncrement: increment), on: id)
        }
    }

    /// The client is gone: answers that still come are dropped.
    private func forget() {
        guard self.connection.forget() else { return }
        for _ in self.pending { self.scope.recordWaiting(began: false) }
        self.forgetBatches()
        self.bodies = HTTP2BodyTable()
        self.pending = [:]
        self.waiting = []
        self.parked = []
        self.context = nil
        self.protocols.ended()
    }
}

extension HTTP2Lane: CacheAnswerReceiver {
    func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        let id = HTTP2StreamID(Int(token))
        guard let request = self.pending[id], let answer = self.scope.resolve(answer, to: request, token: token, receiver: self) else { return }
        self.pending[id] = nil
        self.scope.recordWaiting(began: false)
        self.write(request, answer, on: id)
        self.goOnSoon()
    }

    /// The answers to one batch of commands leave in one write.
    func goOnSoon() {
        guard !self.isFlushScheduled else { return }
        self.isFlushScheduled = true
        self.context?.eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.goOn()
        }
    }
}

@available(*, unavailable)
extension HTTP2Lane: Sendable {}
