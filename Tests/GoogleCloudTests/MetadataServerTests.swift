import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import GoogleCloud

@Suite(.timeLimit(.minutes(5))) struct MetadataServerTests {
    /// With time enough for a loaded machine.
    private static func server(_ authority: String) -> MetadataServer { MetadataServer(authority: authority, timeout: .seconds(60)) }

    @Test func aToken() async throws {
        let stub = try await StubMetadataServer.start(#"{"access_token":"t","expires_in":5,"token_type":"Bearer"}"#)
        #expect(try await Self.server(stub.authority).accessToken() == AccessToken(secret: "t", lifetimeSeconds: 5))
        #expect(stub.requests == 1)
        try await stub.stop()
    }

    @Test func anIdentityToken() async throws {
        let path = "/computeMetadata/v1/instance/service-accounts/default/identity?audience=https%3A%2F%2Fp.example.com%2F%C3%A9%26a%3D1"
        let stub = try await StubHTTPServer.start { request in
            request.target == path && request.fields["metadata-flavor"] == "Google" ? .status(200, "a.b.c") : .status(400, "")
        }
        #expect(try await Self.server(stub.authority).identityToken(audience: "https://p.example.com/\u{E9}&a=1") == "a.b.c")
        await #expect(throws: GoogleCloudFailure.self) { try await Self.server(stub.authority).identityToken(audience: "other") }
        try await stub.stop()
    }

    @Test func faults() async throws {
        let stub = try await StubMetadataServer.start("no token")
        await #expect(throws: GoogleCloudFailure.self) { try await Self.server(stub.authority).accessToken() }
        stub.answer(status: 404, "{}")
        await #expect(throws: GoogleCloudFailure.self) { try await Self.server(stub.authority).accessToken() }
        stub.answer(String(repeating: " ", count: 100_000))
        await #expect(throws: (any Error).self) { try await Self.server(stub.authority).accessToken() }
        try await stub.stop()
        await #expect(throws: (any Error).self) { try await Self.server(stub.authority).accessToken() }
    }

    /// A server that accepts and says nothing.
    @Test func silence() async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
        let authority = "127.0.0.1:\(channel.localAddress?.port ?? 0)"
        await #expect(throws: (any Error).self) { try await MetadataServer(authority: authority, timeout: .milliseconds(50)).accessToken() }
        try await channel.close()
    }
}
