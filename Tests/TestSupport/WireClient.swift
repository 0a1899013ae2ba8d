import Foundation
package import NIOCore
import NIOPosix

/// A client that writes bytes and reads answers: no HTTP library between the test and the wire.
package struct WireClient: Sendable {
    /// What can go wrong.
    package enum Failure: Error {
        case closed
        case malformed(String)
    }

    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Opens a connection, gives it to `body`, and closes it.
    ///
    /// - Parameter receiveBuffer: bytes that the kernel takes in for a client that does not read; nil for its default.
    package static func connect<Result>(
        host: String = "127.0.0.1", port: Int, receiveBuffer: Int? = nil, _ body: (inout Connection) async throws -> Result
    ) async throws
        -> Result
    {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
        if let receiveBuffer {
            // A client that does not read: the kernel takes little for it, and the channel nothing.
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(receiveBuffer))
                .channelOption(.maxMessagesPerRead, value: 1)
        }
        let channel =
            try await bootstrap
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await self.use(channel, body)
    }

    /// The same over a unix socket.
    package static func connect<Result>(unixSocket path: String, _ body: (inout Connection) async throws -> Result) async throws -> Result {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await self.use(channel, body)
    }

    private static func use<Result>(
        _ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>, _ body: (inout Connection) async throws -> Result
    ) async throws -> Result {
        try await channel.executeThenClose { inbound, outbound in
            var connection = Connection(channel: channel.channel, inbound: inbound.makeAsyncIterator(), outbound: outbound)
            return try await body(&connection)
        }
    }

    /// Opens a connection for one request and reads one answer.
    package static func exchange(port: Int, _ request: String) async throws -> WireResponse {
        try await self.connect(port: port) { connection in
            try await connection.send(request)
            return try await connection.response(toHead: request.hasPrefix("HEAD "))
        }
    }

    /// One open connection.
    package struct Connection {
        package let channel: any Channel
        var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        private var received = ByteBuffer()

        init(
            channel: any Channel, inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        ) {
            self.channel = channel
            self.inbound = inbound
            self.outbound = outbound
        }

        package func send(_ text: String) async throws {
            try await self.outbound.write(ByteBuffer(string: text))
        }

        package func send(_ bytes: [UInt8]) async throws {
            try await self.outbound.write(ByteBuffer(bytes: bytes))
        }

        /// Ends the sending side.
        package func finish() {
            self.outbound.finish()
        }

        /// The next answer.
        package mutating func response(toHead: Bool = false) async throws -> WireResponse {
            while true {
                if let response = try self.parse(toHead: toHead) { return response }
                guard try await self.readMore() else { throw Failure.closed }
            }
        }

        /// The next line, without its end.
        package mutating func line() async throws -> String {
            while true {
                if let end = self.received.readableBytesView.firstIndex(of: 10) {
                    let line = self.received.readString(length: end - self.received.readerIndex + 1) ?? ""
                    return String(line.dropLast())
                }
                guard try await self.readMore() else { throw Failure.closed }
            }
        }

        /// Whether the peer closes its side without sending anything more.
        package mutating func isClosed() async throws -> Bool {
            guard self.received.readableBytes == 0 else { return false }
            do {
                return try await !self.readMore()
            } catch is IOError {
                return true
            }
        }

        /// Reads whatever still comes, until the peer closes its side.
        /// - Returns: what was not read before.
        @discardableResult
        package mutating func readToEnd() async throws -> String {
            while try await self.readMore() {}
            return self.received.readString(length: self.received.readableBytes) ?? ""
        }

        private mutating func readMore() async throws -> Bool {
            guard var bytes = try await self.inbound.next(isolation: nil) else { return false }
            self.received.writeBuffer(&bytes)
            return true
        }

        private mutating func parse(toHead: Bool) throws -> WireResponse? {
            let bytes = Array(self.received.readableBytesView)
            guard let end = Self.endOfHead(bytes) else { return nil }
            let lines = String(decoding: bytes[..<(end - 4)], as: UTF8.self).components(separatedBy: "\r\n")
            let fields = try lines.dropFirst().map { line in
                guard let colon = line.firstIndex(of: ":") else { throw Failure.malformed(line) }
                return WireResponse.Field(
                    name: String(line[..<colon]), value: String(line[line.index(after: colon)...].drop { $0 == " " }))
            }
            var response = WireResponse(statusLine: lines[0], fields: fields, body: [])
            // No body belongs to these (RFC 9112, section 6.3).
            guard !toHead, response.status >= 200, ![204, 304].contains(response.status) else {
                self.received.moveReaderIndex(forwardBy: end)
                return response
            }
            guard let length = response["content-length"].flatMap({ Int($0) }) else { throw Failure.malformed("no Content-Length: \(lines)") }
            guard bytes.count >= end + length else { return nil }
            response.body = Array(bytes[end..<(end + length)])
            self.received.moveReaderIndex(forwardBy: end + length)
            return response
        }

        private static func endOfHead(_ bytes: [UInt8]) -> Int? {
            guard bytes.count >= 4 else { return nil }
            for index in 0...(bytes.count - 4) where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13 && bytes[index + 3] == 10
            {
                return index + 4
            }
            return nil
        }
    }
}
