import Access
import Cache
import NIOCore
import Telemetry

/// The first handler of a connection: answers canonical requests for a key on the event loop, from the bytes, and passes everything else on.
///
/// See `RequestRecogniser` for what is canonical and `FastLanePhase` for the order of things. The lane calls the same domain and the same
/// answer writers as the routes; a differential test compares the two byte for byte.
final class FastLane: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    let scope: EventLoopScope
    private let recogniser: RequestRecogniser
    var phase = FastLanePhase.ready
    /// Bytes of the client that no one has taken yet.
    var input = ByteBuffer()
    /// How many bytes `input` must have before it is worth looking at again.
    private(set) var neededBytes = 1
    var output = ByteBuffer()
    var context: ChannelHandlerContext?
    var lifetime = ConnectionLifetime()
    var timer: Scheduled<Void>?
    /// The client has closed its side, and the handlers behind us do not know yet.
    var isInputClosedUndelivered = false
    /// What of the client's bytes the codec may have.
    var feed: CodecFeed
    private var isReadWanted = false
    /// Who asked last.
    var callerMemory = CallerMemory()
    /// The client's address, where connections are counted by it.
    var peer: String?
    /// The connection is counted among those that there may be.
    var isAdmitted = false
    /// The connection has none of the places that there are: its end makes room for nobody.
    var isExcess = false
    /// The connection is one too many: it may ask how the service is, and nothing else.
    var isForProbes = false
    /// The request at hand has been admitted by its head, before its body came.
    var isRequestAdmitted = false
    /// What waits for the client to read it.
    var unsent = UnsentBytes()
    /// The share of this connection in what the process counts as unsent and as received but not yet used.
    var countedUnsentBytes = 0
    var countedReceivedBytes = 0
    /// Its place in the table of this loop's connections.
    var tableIndex = 0
    private var nextToken: UInt64 = 0
    private var pending: PendingRequest?
    var isFlushDue = false
    /// The clock as read last, in nanoseconds: when the bytes at hand came in, or when the last answer was made. A reading costs as much as a
    /// header field.
    var now = 0
    /// What the codec has written since the last flush is worth a mark.
    var isMarkDue = false
    private var isInPass = false
    private var isPassDue = false
    /// The codec wants nothing more of this client: what follows the last request of a connection is not read.
    var isInputDone = false
    /// Bytes went to the codec, which acts on them at the end of the read.
    var isReadCompleteDue = false
    /// The codec has been told of the end of this read.
    private var hasForwarded = false

    /// The most bytes of output storage that an idle connection keeps.
    private static let keptOutputCapacity = 4 * 1024
    /// What a connection may hold of a request without its being counted.
    static let uncountedBytes = 4 * 1024

    /// The request that is with the cache.
    struct PendingRequest {
        let method: RequestMethod
        let key: ByteBuffer
        let ttlSeconds: Int64?
        let requestID: RequestID?
        let start: Int
        /// Where the access log may want it.
        let trace: TraceContext?
    }

    init(scope: EventLoopScope) {
        self.scope = scope
        self.feed = CodecFeed(maximumHeadBytes: scope.settings.maximumHeadBytes)
        self.recogniser = RequestRecogniser(
            maximumHeadBytes: scope.settings.maximumHeadBytes,
            maximumBodyBytes: scope.settings.maximumBodyBytes,
            maximumFields: scope.settings.serviceLimits.maximumHeaderFields
        )
        if !scope.settings.fastLane { self.phase = .handedOver }
    }

    // MARK: Bytes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.now = EventLoopScope.now()
        self.lifetime.received(now: self.now)
        // Of the instance: the compiler does not specialise the one of the type, which costs twice as much.
        var bytes = self.unwrapInboundIn(data)
        self.scope.httpCounters.recordReceived(bytes.readableBytes)
        guard self.phase != .closing else { return }
        if self.input.readableBytes == 0 {
            self.input = bytes
        } else {
            self.input.writeBuffer(&bytes)
        }
        self.pass(context, isEndOfRead: false)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.pass(context)
        switch self.phase {
        case .ready, .awaitingCache, .closing:
            // The channel would ask for the next read from the far end of the pipeline; from here the way is shorter.
            self.read(context: context)
        case .awaitingRouter, .handedOver:
            // What went to the codec makes the far end ask. If nothing went there, nobody asks but us.
            if !self.hasForwarded { self.read(context: context) }
            self.hasForwarded = false
        }
    }

    /// Takes what can be taken of the input, then sends what there is to send.
    ///
    /// Writing and forwarding can call back into this handler before they return (the socket takes the bytes, the channel becomes writable); such
    /// a call only asks for another round, so that requests are never taken by two passes at once.
    func pass(_ context: ChannelHandlerContext, isEndOfRead: Bool = true) {
        guard !self.isInPass else {
            self.isPassDue = true
            return
        }
        self.isInPass = true
        repeat {
            self.isPassDue = false
            self.processInput(context)
            if isEndOfRead { self.finishPass(context) }
        } while self.isPassDue
        self.isInPass = false
        guard isEndOfRead else { return }
        self.judgeLifetime()
        self.countReceived()
        self.deliverInputClosed(context)
        self.resumeReading(context)
    }

    /// Ends a pass over the input: the answers leave in one write, and the codec is told that what it got is all for now.
    private func finishPass(_ context: ChannelHandlerContext) {
        self.flushIfDue(context)
        guard self.isReadCompleteDue else { return }
        self.isReadCompleteDue = false
        self.hasForwarded = true
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if self.wantsBytes {
            context.read()
        } else if !self.isReadWanted {
            self.isReadWanted = true
            if !self.isInputDone { self.scope.httpCounters.recordReadPause() }
        }
    }

    private var wantsBytes: Bool {
        guard !self.isInputDone else { return self.phase == .closing }
        let bound = self.scope.limiter.isReceiveFull ? Self.uncountedBytes : self.scope.settings.maximumPipelinedBytes
        return self.phase.wantsBytes(
            self.feed, buffered: self.input.readableBytes, bound: bound, isWritable: self.context?.channel.isWritable != false)
    }

    private func resumeReading(_ context: ChannelHandlerContext) {
        guard self.isReadWanted, self.wantsBytes else { return }
        self.isReadWanted = false
        context.read()
    }

    /// Takes as many requests out of `input` as can be taken now.
    private func processInput(_ context: ChannelHandlerContext) {
        while self.input.readableBytes > 0 {
            switch self.phase {
            case .ready:
                guard self.hasRoomForAnswer(context), self.input.readableBytes >= self.neededBytes, self.takeRequest(context) else { return }
            case .awaitingRouter, .handedOver:
                guard self.feedCodec(context) else { return }
            case .closing:
                self.input.clear()
            case .awaitingCache:
                return
            }
        }
    }

    /// Whether another answer may be made. A client that sends requests and does not read the answers waits, so that it cannot fill our memory:
    /// `channelWritabilityChanged` goes on when it has read.
    func hasRoomForAnswer(_ context: ChannelHandlerContext) -> Bool {
        if self.output.readableBytes >= self.scope.settings.maximumUnsentBytes { self.flushIfDue(context) }
        return context.channel.isWritable
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            self.now = EventLoopScope.now()
            self.pass(context)
        }
        context.fireChannelWritabilityChanged()
    }

    /// Judges the next request and acts on it. Returns false where more bytes are needed.
    private func takeRequest(_ context: ChannelHandlerContext) -> Bool {
        switch self.input.withUnsafeReadableBytes({ self.recogniser.recognise($0) }) {
        case .incompleteHead:
            return self.waitForBytes(self.input.readableBytes + 1)
        case .key(let request):
            self.lifetime.headArrived()
            if let refusal = self.refusalAtBound() {
                self.refuse(refusal, request)
            } else if self.input.readableBytes < request.count {
                guard self.awaitBody(request, context) else { return false }
            } else if !self.answer(request, context) {
                self.handToCodec(request.body.lowerBound, context)
            }
        case .other(let headCount):
            self.handToCodec(headCount, context)
        case .notFramable:
            self.phase = .handedOver
            self.flushIfDue(context)
        }
        self.neededBytes = 1
        self.isRequestAdmitted = false
        return true
    }

    func waitForBytes(_ count: Int) -> Bool {
        self.neededBytes = count
        return false
    }

    // MARK: Requests for the cache

    /// Answers a canonical request. Returns false where the router must judge it after all.
    private func answer(_ request: KeyRequest, _ context: ChannelHandlerContext) -> Bool {
        // What a browser wants to know of the answer, the router tells it.
        if request.hasOrigin, self.scope.settings.cors != nil { return false }
        guard self.scope.waitingRequests < self.scope.maximumWaitingRequests else {
            self.refuseOverload(request, context)
            return true
        }
        let requestID = self.requestID(of: request)
        switch request.method {
        case .get, .delete:
            guard let key = self.key(of: request.key) else { return false }
            guard self.isAllowed(request.method == .get ? .read(key: key) : .write(key: key), request) else { return false }
            let pending = PendingRequest(
                method: request.method, key: key, ttlSeconds: nil, requestID: requestID, start: self.now, trace: self.trace(of: request))
            self.consume(request.count)
            self.nextToken &+= 1
            let outcome =
                request.method == .get
                ? self.scope.cache.get(key, now: self.now, token: self.nextToken, receiver: self)
                : self.scope.cache.delete(key, now: self.now, token: self.nextToken, receiver: self)
            self.settle(pending, outcome, context)
        case .post:
            guard let body = self.slice(request.body), case .success(let command) = SetRequest.parse(body: body, limits: self.scope.settings.limits)
            else { return false }
            guard self.isAllowed(.write(key: command.key), request) else { return false }
            let pending = PendingRequest(
                method: .post, key: command.key, ttlSeconds: command.ttl, requestID: requestID, start: self.now, trace: self.trace(of: request))
            self.consume(request.count)
            self.nextToken &+= 1
            let outcome = self.scope.cache.set(
                command.key, value: command.value, ttlSeconds: command.ttl, now: self.now, token: self.nextToken, receiver: self)
            self.settle(pending, outcome, context)
        case .other:
            return false
        }
        return true
    }

    private func settle(_ request: PendingRequest, _ outcome: CacheAnswer?, _ context: ChannelHandlerContext) {
        guard let outcome else {
            self.pending = request
            self.scope.waitingRequests += 1
            self.scope.httpCounters.recordInFlight(began: true)
            self.phase = .awaitingCache(token: self.nextToken)
            return
        }
        self.write(request, outcome, context)
    }

    private func write(_ request: PendingRequest, _ outcome: CacheAnswer, _ context: ChannelHandlerContext) {
        let answer =
            request.method == .post
            ? Answer.store(request.key, ttlSeconds: request.ttlSeconds, outcome)
            : Answer.lookup(request.key, outcome)
        let trailer = self.scope.trailer(requestID: request.requestID, start: request.start)
        self.now = request.start + trailer.processNanoseconds
        self.count(request, answer, trailer)
        self.append(answer, trailer, context)
    }

    /// Puts an answer behind those that wait to be sent.
    func append(_ answer: Answer, _ trailer: AnswerTrailer, _ context: ChannelHandlerContext) {
        answer.write(trailer, closing: self.lifetime.isDraining, into: &self.output)
        self.isFlushDue = true
        self.afterAnswer(context)
    }

    /// Lets go of the request that is with the cache.
    func forgetPending() {
        guard self.pending != nil else { return }
        self.pending = nil
        self.scope.waitingRequests -= 1
        self.scope.httpCounters.recordInFlight(began: false)
    }

    private func key(of target: TargetKey) -> ByteBuffer? {
        guard target.range.count <= self.scope.settings.limits.maximumKeyBytes * 3, let encoded = self.slice(target.range) else { return nil }
        guard target.isEncoded else { return encoded.readableBytes <= self.scope.settings.limits.maximumKeyBytes ? encoded : nil }
        return CacheKey.fromPath(encoded, limits: self.scope.settings.limits)
    }

    func slice(_ range: Range<Int>) -> ByteBuffer? {
        self.input.getSlice(at: self.input.readerIndex + range.lowerBound, length: range.count)
    }

    func requestID(of request: KeyRequest) -> RequestID? { request.requestID.flatMap { self.slice($0).map(RequestID.received) } }

    /// Takes a whole request out of the input.
    func consume(_ count: Int) {
        self.lifetime.owesNothing()
        self.input.moveReaderIndex(forwardBy: count)
        self.compactInput()
    }

    /// Lets go of a read buffer that is used up, so that an idle connection holds none.
    func compactInput() {
        if self.input.readableBytes == 0 { self.input = ByteBuffer() }
    }

    // MARK: Bytes out

    func flushIfDue(_ context: ChannelHandlerContext) {
        guard self.isFlushDue else { return }
        self.isFlushDue = false
        self.lifetime.sent(now: self.now)
        // Taken out first: writing may call back into this handler.
        var bytes = self.output
        self.output = ByteBuffer()
        self.scope.httpCounters.recordSent(bytes.readableBytes)
        let mark = self.unsent.wrote(bytes.readableBytes) ? self.makeMark(context) : nil
        context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(bytes)), promise: mark)
        if self.unsent.stalledSince != nil { self.countUnsent(context) }
        // Once the socket has taken the bytes the buffer is ours alone again, and clearing keeps its storage for the next answer.
        if bytes.capacity <= Self.keptOutputCapacity, self.output.readableBytes == 0 {
            bytes.clear()
            self.output = bytes
        }
        if self.phase == .closing { self.finishClosing(context) }
    }

    func afterAnswer(_ context: ChannelHandlerContext) {
        if self.lifetime.isDraining { self.close(context) }
    }

    func close(_ context: ChannelHandlerContext) {
        self.phase = .closing
        self.input = ByteBuffer()
        self.beginClosing(context)
        if self.isFlushDue { self.flushIfDue(context) } else { self.finishClosing(context) }
        // A client that is still sending must be let go on, or it never comes to read its answer.
        self.resumeReading(context)
    }
}

extension FastLane: CacheAnswerReceiver {
    func cacheAnswered(_ answer: CacheAnswer, token: UInt64) {
        guard self.phase == .awaitingCache(token: token), let request = self.pending, let context = self.context else { return }
        self.forgetPending()
        self.phase = .ready
        self.write(request, answer, context)
        self.pass(context)
    }
}

@available(*, unavailable)
extension FastLane: Sendable {}
