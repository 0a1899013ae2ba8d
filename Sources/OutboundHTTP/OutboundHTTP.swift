package import AsyncHTTPClient
import NIOCore

extension HTTPClient {
    /// The client of all requests to other services. Its callers retry by a plan of their own, and no answer may redirect it.
    ///
    /// It lives as long as the process.
    package static let outbound = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .outbound)
}

extension HTTPClient.Configuration {
    fileprivate static var outbound: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.idleTimeout = .seconds(30)
        return configuration
    }
}

extension HTTPClientResponse {
    /// The whole body. Nobody's answer may fill the memory: one that is longer than `maximumBytes` is an error.
    package func wholeBody(maximumBytes: Int) async throws -> [UInt8] {
        Array(try await self.body.collect(upTo: maximumBytes).readableBytesView)
    }
}
