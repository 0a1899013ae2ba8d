import NIOCore
import NIOPosix
import TestSupport
import Testing

/// What tests rely on when they start servers, end them and start them again, many at a time.
@Suite(.timeLimit(.minutes(5))) struct TestSupportTests {
    private func listen(on port: Int) async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: port).get()
    }

    @Test("the port of a server that is away is taken, and nobody answers on it", .enabled(if: RedisServerProcess.isAvailable))
    func reservation() async throws {
        let redis = try RedisServerProcess()
        defer { redis.stop() }
        for _ in 0..<3 {
            try await redis.run("PING")
            redis.stop()
            await #expect(throws: IOError.self) { try await self.listen(on: redis.port) }
            await #expect(throws: NIOConnectionError.self) { try await WireClient.connect(port: redis.port) { _ in } }
            try redis.start()
        }
    }

    /// Else a socket that a test has closed would stay open for as long as another test's server lives.
    @Test("a child has none of our descriptors")
    func descriptors() async throws {
        let channel = try await self.listen(on: 0)
        let list = try #require(CommandLineTool("ls"))
        // Those of any program, and the folder that is listed.
        #expect(try await list.run(["/proc/self/fd"]).output == "0\n1\n2\n3\n")
        try await channel.close().get()
    }
}
