import HTTPWire
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The child channel of a connection: Hummingbird's HTTP/1 channel with the fast lane before its codec and the gate behind it.
struct CacheHTTPChannel: ServerChildChannel, HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value

    private let base: HTTP1Channel
    private let scopes: EventLoopScopes
    private let unsentBytes: ChannelOptions.Types.WriteBufferWaterMark

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
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let scope = self.scopes.scope(of: channel.eventLoop)
        return self.base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            try channel.syncOptions?.setOption(.writeBufferWaterMark, value: self.unsentBytes)
            let pipeline = channel.pipeline.syncOperations
            try scope.value.addHandlers(to: pipeline, around: try pipeline.handler(type: HTTP1ToHTTPServerCodec.self))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await self.base.handle(value: value, logger: logger)
    }
}
