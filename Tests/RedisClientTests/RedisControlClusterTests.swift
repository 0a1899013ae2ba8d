import Logging
import NIOCore
import NIOPosix
import RESP
import RedisTestSupport
import Testing

@testable import RedisClient

/// Deletions key by key, with a node in memory that says what other nodes have.
@Suite(.timeLimit(.minutes(1)))
struct RedisControlClusterTests {
    private let redis = InMemoryRedis()

    private func withControl(_ body: (RedisControl) async throws -> Void) async throws {
        let control = RedisControl(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            configuration: RedisConfiguration(
                endpoint: .unixSocket(path: "/test"), connectTimeout: .seconds(30), commandDeadline: .seconds(30),
                deadConnectionTimeout: .seconds(60), controlDeadline: .seconds(30)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, connector: self.redis)
        try await body(control)
        await control.shutDown()
    }

    /// Answers the deletion of these keys with errors, and refuses a command with several keys.
    private func refuse(_ errors: [String: String]) {
        self.redis.setRule { command in
            guard command.name == "UNLINK" else { return .perform }
            if command.words.count > 2 { return .answer(error: "CROSSSLOT Keys in request don't hash to the same slot") }
            return errors[String(decoding: command.words[1], as: UTF8.self)].map { .answer(error: $0) } ?? .perform
        }
    }

    private func redirected(_ key: String, _ error: String) -> RedisControl.Deletion.Redirected {
        .init(key: Array(key.utf8), redirect: RedisRedirect(ByteBuffer(string: error)))
    }

    @Test("what another node has is left and returned, and the walk goes on", arguments: [1, 7, 1000])
    func redirects(scanCount: Int) async throws {
        for number in 0..<100 { self.redis.set("k\(number)", "v") }
        let errors = [
            "k1": "MOVED 12706 10.0.0.2:6379", "k2": "ASK 449 10.0.0.3:6379", "k3": "CLUSTERDOWN Hash slot not served",
            "k4": "NOPERM this user has no permissions to access the 'k4' key",
        ]
        self.refuse(errors)
        try await self.withControl { control in
            let deletion = try await control.invalidate(pattern: Array("k*".utf8), scanCount: scanCount, keyByKey: true)
            #expect(deletion.removed == 96 && deletion.refused == 1)
            #expect(Set(deletion.redirected) == Set(["k1", "k2", "k3"].map { self.redirected($0, errors[$0] ?? "") }))
            #expect(deletion.redirected.count == 3)
            #expect(self.redis.contents().keys.sorted() == ["k1", "k2", "k3", "k4"])
            self.redis.setList("list")
            self.refuse([:])
            #expect(try await control.removeAllStrings(keyByKey: true) == RedisControl.Deletion(removed: 4))
            #expect(self.redis.contents().keys.sorted() == ["list"])
        }
    }

    @Test("a cluster that is down ends the walk, and so does a node that has lost everything")
    func endOfTheWalk() async throws {
        for number in 0...RedisControl.Deletion.maximumRedirected { self.redis.set("k\(number)", "v") }
        try await self.withControl { control in
            self.refuse(["k5": "CLUSTERDOWN The cluster is down"])
            await #expect(throws: RedisFailure(.serverError, "", prefix: "CLUSTERDOWN")) {
                try await control.invalidate(pattern: Array("k?".utf8), keyByKey: true)
            }
            self.redis.setRule { $0.name == "UNLINK" ? .answer(error: "MOVED 1 10.0.0.2:6379") : .perform }
            self.redis.set("k5", "v")
            for number in 0..<10 { self.redis.set("k\(number)", "v") }
            await #expect(throws: RedisFailure(.serverError, "", prefix: "MOVED")) {
                try await control.invalidate(pattern: Array("*".utf8), keyByKey: true)
            }
        }
    }
}
