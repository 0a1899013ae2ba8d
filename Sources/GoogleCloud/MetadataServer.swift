package import NIOCore
import NIOHTTP1
import NIOPosix

/// The metadata server of Google Cloud, which tells a program about itself and gives it tokens.
///
/// `GCE_METADATA_HOST` names another one, as in Google's own libraries. A request is one HTTP/1.1 exchange on a connection of its own: there are a few
/// in an hour. https://cloud.google.com/compute/docs/metadata/querying-metadata
package struct MetadataServer: Sendable {
    package enum Failure: Error {
        /// The status of an answer that is not 200.
        case status(Int)
        case noAnswer
        case answerTooLarge
    }

    private static let defaultHost = "metadata.google.internal"
    private static let maximumAnswerBytes = 64 * 1024

    private let host: String
    private let port: Int
    private let timeout: TimeAmount

    /// - Parameter authority: `host` or `host:port`; nil for the usual one.
    package init(authority: String? = nil, timeout: TimeAmount = .seconds(2)) {
        let parts = (authority ?? Self.defaultHost).split(separator: ":", maxSplits: 1)
        self.host = parts.first.map(String.init) ?? Self.defaultHost
        self.port = parts.count > 1 ? Int(parts[1]) ?? 80 : 80
        self.timeout = timeout
    }

    /// The access token of the service account that the program runs as.
    package func accessToken() async throws -> AccessToken {
        let body = try await self.get("/computeMetadata/v1/instance/service-accounts/default/token")
        guard let token = AccessToken(json: body) else { throw Failure.noAnswer }
        return token
    }

    /// The id of the project that the program runs in.
    package func projectIdentifier() async throws -> String {
        String(decoding: try await self.get("/computeMetadata/v1/project/project-id"), as: UTF8.self)
    }

    private func get(_ path: String) async throws -> [UInt8] {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(self.timeout)
            .connect(host: self.host, port: self.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(wrappingChannelSynchronously: channel)
                }
            }
        let deadline = channel.channel.eventLoop.scheduleTask(in: self.timeout) { channel.channel.close(promise: nil) }
        defer { deadline.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            let fields: HTTPHeaders = ["Host": self.host, "Metadata-Flavor": "Google", "Connection": "close"]
            try await outbound.write(.head(HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: fields)))
            try await outbound.write(.end(nil))
            return try await Self.body(of: inbound)
        }
    }

    private static func body(of inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>) async throws -> [UInt8] {
        var body: [UInt8] = []
        for try await part in inbound {
            switch part {
            case .head(let head):
                guard head.status == .ok else { throw Failure.status(Int(head.status.code)) }
            case .body(let bytes):
                body += bytes.readableBytesView
                guard body.count <= self.maximumAnswerBytes else { throw Failure.answerTooLarge }
            case .end:
                return body
            }
        }
        throw Failure.noAnswer
    }
}
