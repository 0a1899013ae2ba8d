import Cache
import DequeModule
import NIOCore
import NIOHTTP1

/// Stands right behind NIO's HTTP/1 codec and keeps the rules of the connection that the router does not see: when to close it, when to
/// let a client send its body, and what to say to a request that is no HTTP. Tells the fast lane when an answer has been written.
final class CodecGate: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private struct RequestState {
        let keepsAlive: Bool
        /// The client waits for leave to send its body (RFC 9110, section 10.1.1).
        var awaitsContinue: Bool
        var isComplete = false
    }

    private let lane: FastLane
    private let scope: EventLoopScope
    private var requests = Deque<RequestState>()
    private var isClosing = false
    private var isDropping = false
    /// The last answer is written.
    private var isFinished = false
    /// What is said to bytes that are no request, once the requests before them have their answers.
    private var refusal: Answer?

    init(lane: FastLane, scope: EventLoopScope) {
        self.lane = lane
        self.scope = scope
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Nothing that follows the last request of a connection is looked at (RFC 9112, section 9.6).
        guard !self.isDropping else { return }
        var part = self.unwrapInboundIn(data)
        switch part {
        case .head(var head):
            self.lane.lifetime.requestArrived()
            if let refusal = RequestHeadRules.refusal(head) {
                self.refuse(refusal)
                return
            }
            // Behind an upgrade or a tunnel the codec reads no more HTTP, whatever we answer.
            let isLast = !head.isKeepAlive || head.method == .CONNECT || head.headers.contains(name: "upgrade")
            self.requests.append(RequestState(keepsAlive: !isLast, awaitsContinue: self.expectsContinue(head)))
            self.writeContinueIfDue(context)
            if let target = RequestHeadRules.originForm(head.uri) {
                head.uri = target
                part = .head(head)
            }
        case .body:
            break
        case .end:
            self.requestEnded()
        }
        context.fireChannelRead(self.wrapInboundOut(part))
    }

    private func requestEnded() {
        guard let last = self.requests.indices.last else { return }
        self.requests[last].isComplete = true
        self.lane.codecIsBusy = true
        guard !self.requests[last].keepsAlive else { return }
        self.isDropping = true
        self.lane.isInputDone = true
    }

    /// Whether the request gets `100 Continue`. A body that is too large by its own account gets none; the router refuses it at once.
    private func expectsContinue(_ head: HTTPRequestHead) -> Bool {
        guard head.version == .http1_1, head.headers.contains(name: "expect") else { return false }
        guard head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) else { return false }
        guard let length = head.headers.first(name: "content-length").flatMap({ Int($0) }) else { return true }
        return length <= self.scope.settings.maximumBodyBytes
    }

    /// The interim answer has its place in the order of answers, too: before it, earlier requests have theirs.
    private func writeContinueIfDue(_ context: ChannelHandlerContext) {
        guard let first = self.requests.first, first.awaitsContinue else { return }
        self.requests[0].awaitsContinue = false
        guard !first.isComplete else { return }
        let interim = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(self.wrapOutboundOut(.head(interim)), promise: nil)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !self.isFinished else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        switch self.unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            self.isClosing = self.mustClose
            guard self.isClosing else {
                context.write(data, promise: promise)
                return
            }
            head.headers.add(name: "Connection", value: "close")
            context.write(self.wrapOutboundOut(.head(head)), promise: promise)
        case .head, .body:
            context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            _ = self.requests.popFirst()
            self.lane.codecIsBusy = self.requests.first?.isComplete == true
            self.isFinished = self.isClosing || self.lane.lifetime.isDraining
            self.lane.routerAnswered(closing: self.isFinished)
            guard !self.isFinished else { return }
            self.writeContinueIfDue(context)
            self.refuseIfDue()
        }
    }

    /// An answer that leaves before its request has arrived ends the connection: the rest of the body is not worth reading.
    private var mustClose: Bool {
        guard let request = self.requests.first else { return true }
        return !request.keepsAlive || !request.isComplete || self.lane.lifetime.isDraining
    }

    // MARK: Requests that are no HTTP

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The codec complains of bytes behind the last request, too.
        guard !self.isDropping else { return }
        // A body that breaks off is for its route to answer.
        guard let fault = error as? HTTPParserError, self.requests.last?.isComplete != false else {
            context.fireErrorCaught(error)
            return
        }
        self.refuse(fault == .headerOverflow ? Answer(.requestHeaderFieldsTooLarge, .detail("Request header fields too large")) : .invalidRequest)
    }

    private func refuse(_ answer: Answer) {
        self.isDropping = true
        self.refusal = answer
        self.refuseIfDue()
    }

    private func refuseIfDue() {
        guard let answer = self.refusal, self.requests.isEmpty else { return }
        self.refusal = nil
        self.scope.httpCounters.record(answer.status, by: .router)
        self.lane.refuse(answer)
    }
}

@available(*, unavailable)
extension CodecGate: Sendable {}
