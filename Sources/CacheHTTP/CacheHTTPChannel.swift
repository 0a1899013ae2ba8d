import HTTPWire
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The child channel of a connection: Hummingbird's HTTP/1 channel with the fast lane before its codec and the gate behind it, or the streams of
/// an HTTP/2 connection.
struct CacheHTTPChannel: ServerChildChannel, HTTPChannelHandler {
    /// A connection, whose protocol its first bytes tell.
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let requests: EventLoopFuture<ConnectionRequests>
    }

    private let base: HTTP1Channel
    private let scopes: EventLoopScopes
    private let unsentBytes: ChannelOptions.Types.WriteBufferWaterMark
    private let offersHTTP2: Bool

    var responder: Responder { self.base.responder }

    init(responder: @escaping Responder, scopes: EventLoopScopes, settings: HTTPSettings) {
        self.base = HTTP1Channel(
            responder: responder,
            configuration: .init(
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: settings.maximumHeadBytes,
                    maxHeaderListSize: settings.maximumHeadBytes,
                    maxHeaderFieldCount: settings.serviceLimits.maximumHeaderFields
                )
            )
        )
        self.scopes = scopes
        self.unsentBytes = .init(low: settings.maximumUnsentBytes / 2, high: settings.maximumUnsentBytes)
        self.offersHTTP2 = settings.http2
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let scope = self.scopes.scope(of: channel.eventLoop)
        return channel.eventLoop.makeCompletedFuture {
            try channel.syncOptions?.setOption(.writeBufferWaterMark, value: self.unsentBytes)
            let pipeline = channel.pipeline.syncOperations
            let protocols = NegotiatedConnection(channel, self.base, logger)
            if self.offersHTTP2 {
                try scope.value.addHandlers(to: pipeline, protocols)
            } else {
                try scope.value.addHandlers(to: pipeline, around: try protocols.makeHTTP1())
            }
            return Value(channel: channel, requests: protocols.requests)
        }
    }

    func handle(value: Value, logger: Logger) async {
        // The connection may end before it has told its protocol.
        let requests = try? await withTaskCancellationHandler {
            try await value.requests.get()
        } onCancel: {
            value.channel.close(promise: nil)
        }
        switch requests {
        case .http1(let connection): await self.base.handle(value: connection, logger: logger)
        case .http2(let streams): await self.serve(streams, of: value.channel, logger)
        case nil: break
        }
    }

    private func serve(_ streams: AsyncStream<HTTP1Channel.Value>, of connection: any Channel, _ logger: Logger) async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for await stream in streams { group.addTask { await self.handleHTTP(asyncChannel: stream, logger: logger) } }
            }
        } onCancel: {
            connection.close(promise: nil)
        }
    }
}
