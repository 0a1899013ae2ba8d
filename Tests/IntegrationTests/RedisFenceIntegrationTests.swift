import NIOCore
import NIOPosix
import RESP
import TestSupport
import Testing

@testable import RedisClient

/// What was sent over a connection may be carried out after that connection has ended for us: the fence ends it for Redis too.
@Suite(.enabled(if: RedisServerProcess.isAvailable, "needs redis-server"), .timeLimit(.minutes(5)))
struct RedisFenceIntegrationTests {
    private func configuration(_ server: RedisServerProcess) -> RedisConfiguration {
        var configuration = server.networkConfiguration
        configuration.clientName = "fence-test-\(UInt64.random(in: 0 ... .max))"
        configuration.commandDeadline = .milliseconds(50)
        configuration.deadConnectionTimeout = .seconds(60)
        return configuration
    }

    /// The network may hold back what a connection has sent for longer than it takes to make another: here, the connection is simply still open.
    @Test func nothingIsCarriedOutBehindTheFence() async throws {
        let server = try RedisServerProcess()
        let configuration = self.configuration(server)
        let connection = try await LiveConnection.open(configuration)
        let identifier = try #require(try await connection.onLoop { $0.session?.clientIdentifier })
        let control = RedisControl(eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: configuration, logger: .silent)
        #expect(try await control.fence([identifier], clientName: configuration.clientName ?? ""))
        #expect(await connection.untilLost()?.code == .connectionClosed)
        await control.shutDown()
        try await connection.close()
    }

    @Test func connectionsOfOthersAreLeftAlone() async throws {
        let server = try RedisServerProcess()
        let configuration = self.configuration(server)
        let other = try await LiveConnection.open(server.networkConfiguration)
        let identifier = try #require(try await other.onLoop { $0.session?.clientIdentifier })
        let control = RedisControl(eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: configuration, logger: .silent)
        #expect(try await control.fence([identifier, 999_999], clientName: configuration.clientName ?? ""))
        #expect(try await other.get(ByteBuffer(string: "k")) == .null)
        await control.shutDown()
        try await other.close()
    }

    @Test func aServerThatRefusesSaysSo() async throws {
        let server = try RedisServerProcess(configuration: ["user default on nopass ~* &* +@all -client"])
        let control = RedisControl(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), configuration: self.configuration(server), logger: .silent)
        #expect(try await !control.fence([5], clientName: "x"))
        #expect(try await control.fence([], clientName: "x"))
        #expect(await control.refusedOptionalCommands == ["CLIENT SETNAME"])
        await control.shutDown()
    }
}
