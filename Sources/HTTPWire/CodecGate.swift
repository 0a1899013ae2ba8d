import CacheAPI
import NIOCore
import NIOHTTP1

/// Sent down the pipeline by the route that is about to read the body of its request.
package struct BodyWanted: Sendable {
    package init() {}
}

/// The connection of a codec, as far as the gate behind the codec needs it.
protocol CodecObserver: AnyObject {
    /// The answer under way, or the next one, is the last.
    var endsAfterAnswer: Bool { get }

    /// The answer that refuses a request because a limit is reached; nil if it is accepted.
    /// - Parameter isProbe: it is a probe, which is answered as long as anything is.
    func refusal(isProbe: Bool) -> Answer?

    /// Refuses a request, or bytes that are not one, and ends the connection.
    func refuseHead(_ answer: Answer)

    /// The codec has read a head.
    func codecReadHead(_ framing: CodecFeed.BodyFraming)

    /// The codec has read a whole request.
    /// - Parameter isLast: what follows it is not read.
    func codecReadEnd(isLast: Bool)

    /// The route wants the body of its request.
    func bodyWanted()

    /// The codec has written the end of an answer, which its writer flushes right after.
    /// - Parameter isLast: the connection ends with it.
    func codecWroteEnd(isLast: Bool)
}

/// Stands right behind NIO's HTTP/1 codec and keeps the rules of the connection that the router does not see: when to close it, when to
/// let a client send its body, and how to answer bytes that are not HTTP. Reports to the connection what the codec has read and written.
final class CodecGate<Connection: CodecObserver>: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private struct RequestState {
        let keepsAlive: Bool
        let isHTTP10: Bool
        /// The client waits for permission to send its body (RFC 9110, section 10.1.1).
        var awaitsContinue: Bool
        var isComplete = false
    }

    private let connection: Connection
    /// The request that has no answer yet. There is one at most: `CodecFeed` sees to that.
    private var request: RequestState?
    /// The answer under way is the last one.
    private var isClosing = false
    /// Nothing that the codec still reads counts (RFC 9112, section 9.6).
    private var isDropping = false
    /// The last answer is written.
    private var isFinished = false

    init(_ connection: Connection) {
        self.connection = connection
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isDropping else { return }
        var part = self.unwrapInboundIn(data)
        switch part {
        case .head(var head):
            let target = RequestHeadRules.originForm(head.uri)
            let isProbe = RouteTable.isProbe(target ?? head.uri)
            if let refusal = RequestHeadRules.refusal(head) ?? self.connection.refusal(isProbe: isProbe) {
                self.isDropping = true
                self.connection.refuseHead(refusal)
                return
            }
            // Behind an upgrade or a tunnel the codec reads no more HTTP, whatever we answer.
            let isLast = !head.isKeepAlive || head.method == .CONNECT || head.headers.contains(name: "upgrade")
            self.request = RequestState(
                keepsAlive: !isLast, isHTTP10: head.version == .http1_0, awaitsContinue: RequestHeadRules.expectsContinue(head))
            self.connection.codecReadHead(RequestHeadRules.framing(head))
            if let target {
                head.uri = target
                part = .head(head)
            }
        case .body:
            // A client that sends its body anyway waits for nothing.
            self.request?.awaitsContinue = false
        case .end:
            self.request?.isComplete = true
            self.isDropping = self.request?.keepsAlive == false
            self.connection.codecReadEnd(isLast: self.isDropping)
        }
        context.fireChannelRead(self.wrapInboundOut(part))
    }

    // MARK: Answers

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is BodyWanted else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        promise?.succeed()
        guard let request = self.request, !request.isComplete else { return }
        if request.awaitsContinue {
            self.request?.awaitsContinue = false
            let interim = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(self.wrapOutboundOut(.head(interim)), promise: nil)
        }
        self.connection.bodyWanted()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !self.isFinished else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        switch self.unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            self.isClosing = self.mustClose
            if self.isClosing {
                head.headers.add(name: "Connection", value: "close")
            } else if self.request?.isHTTP10 == true {
                // RFC 9112, section 9.3: otherwise its client waits for the end of the connection.
                head.headers.add(name: "Connection", value: "keep-alive")
            } else {
                context.write(data, promise: promise)
                return
            }
            context.write(self.wrapOutboundOut(.head(head)), promise: promise)
        case .head, .body:
            context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            self.request = nil
            self.isFinished = self.isClosing || self.connection.endsAfterAnswer
            self.connection.codecWroteEnd(isLast: self.isFinished)
        }
    }

    /// An answer that leaves before its request has arrived ends the connection: the rest of the body is not worth reading.
    private var mustClose: Bool {
        guard let request = self.request else { return true }
        return !request.keepsAlive || !request.isComplete || self.connection.endsAfterAnswer
    }

    // MARK: Bytes that are not HTTP

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The codec complains of bytes behind the last request, too.
        guard !self.isDropping else { return }
        // A body that breaks off is for its route to answer.
        guard let fault = error as? HTTPParserError, self.request?.isComplete != false else {
            context.fireErrorCaught(error)
            return
        }
        self.isDropping = true
        self.connection.refuseHead(fault == .headerOverflow ? .headTooLarge : .invalidRequest)
    }
}

@available(*, unavailable)
extension CodecGate: Sendable {}
