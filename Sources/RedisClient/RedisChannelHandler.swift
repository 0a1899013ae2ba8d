import Glibc
import NIOCore
import NIOSSL
import RESP

/// One socket of a connection: turns its bytes into replies and its events into calls of the connection, and decides nothing.
///
/// Once detached it is deaf: what a closed or replaced channel still has to say reaches nobody.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var connection: RedisConnection?
    private var context: ChannelHandlerContext?
    private var decoder: RESPDecoder
    /// The beginning of a reply whose rest has not come yet.
    private var unread = ByteBuffer()

    init(connection: RedisConnection, limits: RESPLimits) {
        self.connection = connection
        self.decoder = RESPDecoder(limits: limits)
    }

    /// False while the socket is behind: then the batch goes on collecting.
    var isWritable: Bool { self.context?.channel.isWritable ?? false }

    func writeAndFlush(_ bytes: ByteBuffer) {
        guard let context = self.context else {
            return
        }
        context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
    }

    /// Says nothing more to the connection and closes the socket.
    func close() -> EventLoopFuture<Void>? {
        self.connection = nil
        guard let context = self.context else {
            return nil
        }
        let promise = context.eventLoop.makePromise(of: Void.self)
        context.close(promise: promise)
        return promise.futureResult
    }

    /// Closes the socket and takes back what the kernel has not delivered yet.
    ///
    /// After an ordinary close the kernel goes on sending what is queued, for minutes if the network is away: a SET or UNLINK that everybody has
    /// given up would be carried out after newer ones on the next connection. With SO_LINGER at zero the queue is dropped and the peer gets a reset
    /// (RFC 9293, 3.6: ABORT). What the server's kernel already holds can still be carried out.
    func abort() {
        guard let context = self.context else {
            return
        }
        // On its own loop this happens at once; a channel that is no socket, or is closed already, needs none of it.
        (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        // Past the encryption, which would say goodbye and wait for an answer.
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
        connection.bytesArrived()
        var buffer = self.unwrapInboundIn(data)
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

    /// Keeps the bytes of an unfinished reply in memory of their own, with room for its rest: the memory of the read is then free as soon as the
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
