import NIOCore

/// The bytes of an HTTP/2 connection, next to the socket: what is written until a flush leaves in one write, and the connection learns what the client
/// has not taken.
///
/// NIO's handler writes two or three buffers for each answer. Putting them together costs less than writing each of them.
final class HTTP2Output: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// From how many bytes on a buffer is written as it is.
    private static let copiedBytes = 4 * 1024
    /// The most bytes of storage that are kept between flushes.
    private static let keptCapacity = 16 * 1024

    private let scope: EventLoopScope
    private var gathered = ByteBuffer()
    private var unsent = UnsentBytes()
    private let connection: HTTP2Connection
    private var channel = ConnectionChannel()
    /// What the client still sends is not read.
    var isDiscarding = false

    init(_ connection: HTTP2Connection) {
        self.scope = connection.scope
        self.connection = connection
    }

    /// The client does not read: that much waits in the socket.
    var unreadBytes: Int { self.unsent.waiting }

    func handlerAdded(context: ChannelHandlerContext) { self.channel.open(context) }

    func handlerRemoved(context: ChannelHandlerContext) { self.channel.close() }

    /// Announces the end of the connection: GOAWAY with the highest id there is (RFC 9113, section 6.8).
    ///
    /// NIO would refuse further streams as soon as it has sent one, but those that are on their way are to be served. Between two frames this one
    /// disturbs nothing.
    func writeFirstGoAway() {
        let frame: [UInt8] = [0, 0, 8, 7, 0, 0, 0, 0, 0] + [0x7f, 0xff, 0xff, 0xff] + [0, 0, 0, 0]
        self.scope.httpCounters.recordSent(frame.count)
        self.unsent.wrote(frame.count)
        self.gathered.writeBytes(frame)
    }

    /// Calls `body` when the socket has taken everything that was written, or never will.
    func whenTaken(_ body: @escaping () -> Void) {
        guard let context = self.channel.context else { return }
        self.writeGathered(context)
        self.channel.whenTaken(body)
    }

    // MARK: Bytes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.scope.httpCounters.recordReceived(self.unwrapInboundIn(data).readableBytes)
        guard !self.isDiscarding else { return }
        self.connection.bytesArrived()
        context.fireChannelRead(data)
    }

    // MARK: Bytes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let piece = self.unwrapOutboundIn(data)
        self.scope.httpCounters.recordSent(piece.readableBytes)
        self.unsent.wrote(piece.readableBytes)
        guard promise == nil, piece.readableBytes < Self.copiedBytes, case .byteBuffer(let bytes) = piece else {
            self.writeGathered(context)
            context.write(data, promise: promise)
            return
        }
        self.gathered.writeImmutableBuffer(bytes)
    }

    func flush(context: ChannelHandlerContext) {
        let isMarked = self.unsent.flushing(now: EventLoopScope.now())
        if isMarked {
            self.writeGathered(context)
            context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: self.makeMark())
        } else {
            var bytes = self.gathered
            self.gathered = ByteBuffer()
            guard bytes.readableBytes > 0 else { return context.flush() }
            context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
            self.reuse(&bytes)
        }
    }

    private func writeGathered(_ context: ChannelHandlerContext) {
        guard self.gathered.readableBytes > 0 else { return }
        context.write(self.wrapOutboundOut(.byteBuffer(self.gathered)), promise: nil)
        self.gathered = ByteBuffer()
    }

    /// The socket has been offered `bytes`. Once it has taken them they are ours alone again, and clearing keeps their storage.
    private func reuse(_ bytes: inout ByteBuffer) {
        guard bytes.capacity <= Self.keptCapacity, self.gathered.readableBytes == 0 else { return }
        bytes.clear()
        self.gathered = bytes
    }

    private func makeMark() -> EventLoopPromise<Void>? {
        self.channel.promise {
            let needsMark = self.unsent.markTaken(now: EventLoopScope.now())
            if needsMark, let context = self.channel.context {
                context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: self.makeMark())
            }
            self.connection.clientRead()
        }
    }
}

@available(*, unavailable)
extension HTTP2Output: Sendable {}
