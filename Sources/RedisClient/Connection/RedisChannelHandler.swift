import Glibc
import NIOCore
import NIOSSL
import RESP

/// The handler of one channel of a connection: decodes its bytes and forwards its events to the connection. It makes no decisions.
///
/// After `close` or `abort`, the events of the channel are ignored.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var connection: RedisConnection?
    private var context: ChannelHandlerContext?
    private var decoder: RESPDecoder
    /// The beginning of a reply that is not complete yet.
    private var unread = ByteBuffer()

    init(connection: RedisConnection, limits: RESPLimits) {
        self.connection = connection
        self.decoder = RESPDecoder(limits: limits)
    }

    /// False while the socket cannot keep up; the batch then keeps collecting commands.
    var isWritable: Bool { self.context?.channel.isWritable ?? false }

    func writeAndFlush(_ bytes: ByteBuffer) {
        guard let context = self.context else {
            return
        }
        context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
    }

    /// Detaches from the connection and closes the channel.
    func close() -> EventLoopFuture<Void>? {
        self.connection = nil
        guard let context = self.context else {
            return nil
        }
        let promise = context.eventLoop.makePromise(of: Void.self)
        context.close(promise: promise)
        return promise.futureResult
    }

    /// Closes the channel and discards the bytes that the kernel has not delivered yet.
    ///
    /// After an ordinary close, the kernel keeps sending what is queued, for minutes if the network is down: an abandoned SET or UNLINK could then be
    /// carried out after newer ones on the next connection. With SO_LINGER at zero, the queue is dropped and the peer gets a reset (RFC 9293, 3.6:
    /// ABORT). Redis may still carry out what has already reached its kernel.
    func abort() {
        guard let context = self.context else {
            return
        }
        // On the channel's own loop this happens immediately. A channel that is not a socket, or is already closed, does not need it.
        (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        // Bypass the TLS handler, which would send a close notification and wait for the peer's.
        if let encrypted = try? context.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self) {
            self.connection = nil
            return encrypted.close(promise: nil)
        }
        _ = self.close()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.connection = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let connection = self.connection else {
            return
        }
        var buffer = self.unwrapInboundIn(data)
        connection.bytesArrived(buffer.readableBytes)
        let unreadBytes = self.unread.readableBytes
        if unreadBytes > 0 {
            self.unread.writeBuffer(&buffer)
            buffer = ByteBuffer()
            swap(&buffer, &self.unread)
        }
        let offered = buffer.readableBytes
        do {
            while self.connection != nil, let value = try self.decoder.next(&buffer) {
                connection.replied(value)
            }
        } catch {
            self.connection?.channelFailed(RedisFailure(.protocolViolation, error.description))
            return
        }
        self.keep(buffer, isAccumulated: unreadBytes > 0 && buffer.readableBytes == offered)
    }

    /// Keeps the bytes of an incomplete reply in a buffer of their own with room for the rest. The read buffer can then be freed as soon as the
    /// replies in it are, and appending copies nothing. Bytes are copied only after a reply or a header before them was consumed, so the work stays
    /// linear.
    private func keep(_ rest: ByteBuffer, isAccumulated: Bool) {
        guard rest.readableBytes > 0 else {
            return
        }
        guard !isAccumulated else {
            self.unread = rest
            return
        }
        let missing = self.decoder.missingPayloadBytes(readableBytes: rest.readableBytes)
        var own = ByteBuffer()
        own.reserveCapacity(rest.readableBytes + missing)
        own.writeImmutableBuffer(rest)
        self.unread = own
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            self.connection?.becameWritable()
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.connection?.channelFailed(RedisFailure(.connectionClosed, "the server closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOSSLError.uncleanShutdown: self.connection?.channelFailed(RedisFailure(.connectionClosed, "the server closed the connection"))
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            self.connection?.channelFailed(RedisFailure(.tlsFailed, String(describing: error)))
        default: self.connection?.channelFailed(RedisFailure(.connectionClosed, String(describing: error)))
        }
    }
}

@available(*, unavailable)
extension RedisChannelHandler: Sendable {}
