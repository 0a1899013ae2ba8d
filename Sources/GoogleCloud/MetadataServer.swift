import AsyncHTTPClient
import Bytes
package import NIOCore
import NIOHTTP1
import OutboundHTTP

/// The metadata server of Google Cloud, which tells a program about itself and issues its tokens.
///
/// `GCE_METADATA_HOST` names another one, as in Google's own libraries. https://cloud.google.com/compute/docs/metadata/querying-metadata
package struct MetadataServer: Sendable {
    private static let defaultHost = "metadata.google.internal"

    private let authority: String
    private let timeout: TimeAmount

    /// - Parameter authority: `host` or `host:port`; nil for the usual one.
    package init(authority: String? = nil, timeout: TimeAmount = .seconds(2)) {
        self.authority = authority ?? Self.defaultHost
        self.timeout = timeout
    }

    /// The access token of the service account that the program runs as.
    package func accessToken() async throws -> AccessToken {
        let body = try await self.get("/computeMetadata/v1/instance/service-accounts/default/token")
        guard let token = AccessToken(json: body) else { throw GoogleCloudFailure.unreadable }
        return token
    }

    /// The id of the project that the program runs in.
    package func projectIdentifier() async throws -> String {
        String(decoding: try await self.get("/computeMetadata/v1/project/project-id"), as: UTF8.self)
    }

    /// A token that identifies this program to another service (https://cloud.google.com/run/docs/authenticating/service-to-service).
    /// - Parameter audience: the address of that service, without a path.
    package func identityToken(audience: String) async throws -> String {
        let unreserved = audience.utf8.map { Self.percentEncoded($0) }.joined()
        let path = "/computeMetadata/v1/instance/service-accounts/default/identity?audience=\(unreserved)"
        return String(decoding: try await self.get(path), as: UTF8.self)
    }

    /// RFC 3986, section 2.3.
    private static func percentEncoded(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            String(UnicodeScalar(byte))
        default:
            "%" + Hexadecimal.text(CollectionOfOne(byte)).uppercased()
        }
    }

    private func get(_ path: String) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: "http://\(self.authority)\(path)")
        request.headers.add(name: "Metadata-Flavor", value: "Google")
        let response = try await HTTPClient.outbound.execute(request, timeout: self.timeout)
        return try await response.answeredBody()
    }
}

/// What can go wrong with a request to Google.
package enum GoogleCloudFailure: Error, Equatable {
    /// The status of an answer that is not 200.
    case status(Int)
    /// The answer is not what it should be.
    case unreadable
    /// There is no access token, and none can be had at the moment.
    case noAccessToken
    /// There are no signing keys, and none can be had at the moment.
    case noSigningKeys
}

extension HTTPClientResponse {
    /// The body of an answer that must be 200 and at most 64 KiB long.
    func answeredBody() async throws -> [UInt8] {
        guard self.status == .ok else { throw GoogleCloudFailure.status(Int(self.status.code)) }
        return try await self.wholeBody(maximumBytes: 64 * 1024)
    }
}
