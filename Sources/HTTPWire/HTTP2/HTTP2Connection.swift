import CacheAPI
import NIOCore
import NIOHTTP2

/// An HTTP/2 connection as a whole, behind its lane: its place and its share of what the process counts, its open streams, its timer and its end.
///
/// `HTTP2Lifetime` decides when it ends; this acts.
final class HTTP2Connection {
    /// The window of the whole connection for what clients send. Only the windows of streams bound what is kept.
    private static let receiveWindow = 256 * 1024
    /// What a router's request may make us hold before its route reads it: the window of its stream.
    private static let routedRequestBytes = 64 * 1024
    /// What the PING between the two GOAWAY frames of a stop carries.
    private static let stopPing = HTTP2PingData(withInteger: 0x7374_6f70)

    var tableIndex = 0
    let scope: EventLoopScope
    var streams = HTTP2StreamTable()
    /// The clock as it was read last, in nanoseconds.
    var now: Int
    /// Streams whose answers are complete and whose requests are not.
    private var resets: [HTTP2StreamID] = []
    private var account: ConnectionAccount
    private var lifetime: HTTP2Lifetime
    private var channel = ConnectionChannel()
    private var output: HTTP2Output?
    /// Sends what there is to send.
    private var goOn: (() -> Void)?
    /// Bytes of answers that have left since that was last looked at.
    private var takenBytes = 0
    private var isFlushDue = false
    /// Bytes of answers that are not written yet.
    private var heldAnswerBytes = 0
    /// The client has closed its side.
    private var isInputClosed = false
    /// NIO has ended the connection because of what its client did.
    private(set) var hasFailed = false

    init(_ scope: EventLoopScope, _ account: consuming ConnectionAccount) {
        self.scope = scope
        self.account = account
        self.now = EventLoopScope.now()
        self.lifetime = HTTP2Lifetime(ConnectionStateMachine.Bounds(scope.settings), now: self.now)
    }

    var isOpen: Bool { self.channel.isOpen }
    /// Nothing that arrives counts any longer.
    var isClosing: Bool { self.lifetime.isClosing }
    var takesStreams: Bool { self.lifetime.takesStreams }
    /// The client does not take its answers: further requests wait, as those of HTTP/1.1 do.
    var mustWait: Bool { self.streams.unsentBytes >= self.scope.settings.maximumUnsentBytes || !self.channel.isWritable }

    // MARK: What happens

    /// - Parameters:
    ///   - context: of the lane.
    ///   - goOn: sends what there is to send.
    func open(_ context: ChannelHandlerContext, _ output: HTTP2Output?, goOn: @escaping () -> Void) {
        self.channel.open(context)
        self.output = output
        self.goOn = goOn
        self.scope.connections.insert(self)
        self.scope.httpCounters.recordHTTP2Connection(opened: true)
        self.look()
    }

    func readClock() { self.now = EventLoopScope.now() }

    func bytesArrived() {
        self.readClock()
        self.lifetime.bytesArrived(now: self.now)
    }

    func frameArrived(isOfRequest: Bool) { self.lifetime.frameArrived(isOfRequest: isOfRequest, now: self.now) }

    func pingAnswered(_ data: HTTP2PingData) {
        if data == Self.stopPing { self.finish() }
    }

    /// The window of the connection for what the client sends has changed.
    func windowChanged(_ size: Int) {
        guard size < Self.receiveWindow / 2 else { return }
        self.send(.windowUpdate(windowSizeIncrement: Self.receiveWindow - size), on: .rootStream)
    }

    /// The client has taken what waited in the socket.
    func clientRead() {
        if self.isOpen { self.countUnsent() }
    }

    // MARK: Frames out

    func send(_ payload: HTTP2Frame.FramePayload, on id: HTTP2StreamID) {
        self.isFlushDue = true
        self.channel.context?.write(NIOAny(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
    }

    func answered() { self.lifetime.answered(now: self.now) }

    /// NIO flushes at the end of a read by itself.
    func readCompleted() { self.isFlushDue = false }

    /// Sends what was written. Returns whether that has led to more that is to be sent.
    func flush() -> Bool {
        // RFC 9113, section 8.1: the answer is complete, and what is missing of the request is not wanted.
        for id in self.resets where self.streams[id] != nil { self.send(.rstStream(.noError), on: id) }
        self.resets.removeAll(keepingCapacity: true)
        guard self.isFlushDue else { return false }
        self.isFlushDue = false
        self.channel.context?.flush()
        return self.isFlushDue || !self.resets.isEmpty
    }

    /// Everything that can be sent has been.
    /// - Parameter heldBytes: what requests hold that are not complete.
    func settled(heldBytes: Int) {
        self.account.countReceived(heldBytes + self.streams.routedOpenCount * Self.routedRequestBytes)
        self.countUnsent()
        if self.lifetime.phase == .finishing, self.streams.isEmpty { self.close() }
    }

    /// So many bytes of answers are held that are not written yet.
    func holds(answerBytes count: Int) {
        guard count != self.heldAnswerBytes, self.isOpen else { return }
        self.heldAnswerBytes = count
        self.countUnsent()
    }

    private func countUnsent() {
        let waiting = self.heldAnswerBytes + self.streams.unsentBytes + (self.output?.unreadBytes ?? 0)
        _ = self.account.countUnsent(waiting)
        let hasStalled = self.lifetime.unsentChanged(taken: self.takenBytes, waiting: waiting, now: self.now)
        self.takenBytes = 0
        if hasStalled { self.schedule(at: self.now + ConnectionTable.patience) }
    }

    // MARK: The end

    /// The service stops.
    func announceStop() {
        self.readClock()
        guard self.lifetime.announce(now: self.now) else { return }
        self.output?.writeFirstGoAway()
        self.send(.ping(Self.stopPing, ack: false), on: .rootStream)
        self.goOn?()
        self.look()
    }

    func inputClosed() {
        self.isInputClosed = true
        self.readClock()
        if self.isClosing { self.channel.context?.close(promise: nil) } else { self.finish() }
    }

    /// Takes no further stream: all that the client has opened before it heard of the stop have come.
    private func finish() {
        guard self.lifetime.finish(now: self.now) else { return }
        self.send(.goAway(lastStreamID: self.streams.lastID, errorCode: .noError, opaqueData: nil), on: .rootStream)
        self.goOn?()
        self.look()
    }

    private func end(_ code: HTTP2ErrorCode) {
        self.send(.goAway(lastStreamID: self.streams.lastID, errorCode: code, opaqueData: nil), on: .rootStream)
        self.close()
    }

    /// Closes our side once everything has left, and then the connection. Closing both sides at once could make the kernel discard the last answer.
    func close() {
        guard let context = self.channel.context, self.lifetime.close(now: self.now) else { return }
        self.output?.isDiscarding = true
        context.flush()
        self.look()
        self.output?.whenTaken {
            guard let context = self.channel.context else { return }
            self.schedule(at: self.lifetime.lastAnswerTaken(now: EventLoopScope.now()))
            if self.isInputClosed { context.close(promise: nil) } else { context.close(mode: .output, promise: nil) }
        }
    }

    /// The client is gone. Returns false if that was known.
    func forget() -> Bool {
        guard self.isOpen else { return false }
        self.channel.close()
        self.lifetime.inactive()
        self.scope.httpCounters.recordConnection(opened: false)
        self.scope.httpCounters.recordHTTP2Connection(opened: false)
        if self.account.close() { self.scope.connections.remove(self) }
        for _ in 0..<self.streams.routedCount { self.scope.limiter.releaseStream() }
        self.streams = HTTP2StreamTable()
        self.output = nil
        self.goOn = nil
        return true
    }

    private func schedule(at time: Int) { self.channel.schedule(at: time) { self.look() } }

    /// Looks whether the time of something has come.
    private func look() {
        self.readClock()
        for id in self.streams.requestsOpen(since: self.now - Int(self.scope.settings.requestTimeout.nanoseconds)) {
            self.send(.rstStream(.cancel), on: id)
        }
        let what = HTTP2Lifetime.Circumstances(
            hasStreams: !self.streams.isEmpty, isAnswerDue: self.streams.isAnswerDue, oldestOpenRequest: self.streams.oldestOpenRequest,
            isUnsentFull: self.scope.limiter.isUnsentFull)
        switch self.lifetime.verdict(what, now: self.now) {
        case .waitUntil(let time): self.schedule(at: time)
        case .finish: self.finish()
        case .endIdle: self.end(.noError)
        case .endSlow: self.end(.enhanceYourCalm)
        case .closeUnread:
            self.scope.limiter.recordRefusal(.unreadConnections)
            self.channel.context?.close(promise: nil)
        case .close: self.channel.context?.close(promise: nil)
        }
        if self.isFlushDue { self.goOn?() }
    }
}

extension HTTP2Connection: NIOHTTP2FrameDelegate {
    func wroteFrame(_ frame: HTTP2Frame) {
        switch frame.payload {
        case .data(let data):
            self.takenBytes += data.data.readableBytes
            if self.streams.sent(data.data.readableBytes, isEnd: data.endStream, on: frame.streamID) { self.resets.append(frame.streamID) }
        case .headers(let headers) where headers.endStream:
            if self.streams.sent(0, isEnd: true, on: frame.streamID) { self.resets.append(frame.streamID) }
        case .goAway(_, let code, _) where code != .noError:
            if code == .enhanceYourCalm { self.scope.limiter.recordRefusal(.http2Abuse) }
            self.hasFailed = true
        default: break
        }
    }
}

extension HTTP2Connection: ReplaceableConnection {
    var owesSince: Int? { self.lifetime.owesSince }

    func giveUpPlace() { self.channel.context?.close(promise: nil) }
}

@available(*, unavailable)
extension HTTP2Connection: Sendable {}
