import Logging
import Synchronization
import Testing

@testable import GoogleCloud

@Suite struct AccessTokenSourceTests {
    /// Gives what the test puts in, one after the other, and then fails.
    private final class Answers: Sendable {
        private let tokens: Mutex<[AccessToken?]>

        init(_ tokens: [AccessToken?]) {
            self.tokens = Mutex(tokens)
        }

        func next() throws -> AccessToken {
            let token = self.tokens.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            guard let token else { throw GoogleCloudFailure.unreadable }
            return token
        }
    }

    private func source(_ tokens: [AccessToken?]) -> AccessTokenSource {
        let answers = Answers(tokens)
        return AccessTokenSource(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { try answers.next() }
    }

    @Test func theTokenIsReplacedBeforeItExpires() async throws {
        let source = self.source([AccessToken(secret: "one", lifetimeSeconds: 3600), AccessToken(secret: "two", lifetimeSeconds: 3600)])
        #expect(await source.refresh() == 3240)
        #expect(try await source.token().secret == "one")
        #expect(await source.refresh() == 3240)
        #expect(try await source.token().secret == "two")
    }

    /// The old token serves while the metadata server does not.
    @Test func aFailureKeepsTheOldToken() async throws {
        let source = self.source([AccessToken(secret: "one", lifetimeSeconds: 3600), nil])
        _ = await source.refresh()
        #expect(await source.refresh() <= 1)
        #expect(try await source.token().secret == "one")
    }

    @Test func withoutATokenThereIsAClearFailure() async throws {
        let source = self.source([nil])
        _ = await source.refresh()
        await #expect(throws: GoogleCloudFailure.noAccessToken) { try await source.token() }
    }

    /// A connection that comes before the first token waits for it, and only for it.
    @Test func theFirstFetchIsWaitedFor() async throws {
        let source = self.source([AccessToken(secret: "one", lifetimeSeconds: 3600)])
        async let first = source.token().secret
        async let second = source.token().secret
        await Task.yield()
        _ = await source.refresh()
        #expect(try await first == "one")
        #expect(try await second == "one")
    }
}
