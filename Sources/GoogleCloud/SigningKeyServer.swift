import AsyncHTTPClient
package import NIOCore
import NIOHTTP1

/// Where an issuer publishes the keys that it signs with; Google's are at https://www.googleapis.com/oauth2/v3/certs.
package struct SigningKeyServer: Sendable {
    private let url: String
    private let timeout: TimeAmount

    package init(url: String, timeout: TimeAmount = .seconds(5)) {
        self.url = url
        self.timeout = timeout
    }

    package func keys() async throws -> SigningKeyAnswer {
        let response = try await HTTPClient.outbound.execute(HTTPClientRequest(url: self.url), timeout: self.timeout)
        let lifetime = SigningKeyAnswer.lifetimeSeconds(cacheControl: response.headers["cache-control"])
        return SigningKeyAnswer(json: String(decoding: try await response.wholeBody(), as: UTF8.self), lifetimeSeconds: lifetime)
    }
}
