import NIOConcurrencyHelpers

/// Google's metadata server as far as tokens go.
package final class StubMetadataServer: Sendable {
    private static let tokenPath = "/computeMetadata/v1/instance/service-accounts/default/token"

    private let server: StubHTTPServer
    private let body: NIOLockedValueBox<(status: Int, text: String)>

    package static func start(_ body: String) async throws -> StubMetadataServer {
        let body = NIOLockedValueBox((status: 200, text: body))
        let server = try await StubHTTPServer.start { request in
            guard request.target == self.tokenPath, request.fields["metadata-flavor"] == "Google" else { return .status(403, "") }
            let (status, text) = body.withLockedValue { $0 }
            return .status(status, text)
        }
        return StubMetadataServer(server, body)
    }

    private init(_ server: StubHTTPServer, _ body: NIOLockedValueBox<(status: Int, text: String)>) {
        self.server = server
        self.body = body
    }

    /// As `GCE_METADATA_HOST` has it.
    package var authority: String { self.server.authority }

    /// How often it was asked.
    package var requests: Int { self.server.requests.count }

    package func answer(status: Int = 200, _ body: String) {
        self.body.withLockedValue { $0 = (status, body) }
    }

    package func stop() async throws {
        try await self.server.stop()
    }
}
