package import AsyncHTTPClient
import NIOCore

extension HTTPClient {
    /// What this program asks others with. Who calls it retries by a plan of its own, and no answer may send it elsewhere.
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
