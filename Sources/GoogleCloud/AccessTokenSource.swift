import CoreMetrics
package import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Keeps an access token ready: one for the process, fetched in the background before the last one expires.
///
/// Redis requires it when a connection is made and never again: a connection outlives its token. Only the first connection waits for the metadata
/// server. https://cloud.google.com/memorystore/docs/cluster/about-iam-auth
package final class AccessTokenSource: Service {
    private struct State {
        var token: AccessToken?
        var expiry = NIODeadline.uptimeNanoseconds(0)
        var schedule = RefreshSchedule()
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let fetch: @Sendable () async throws -> AccessToken
    private let state = Mutex(State())
    private let logger: Logger
    private let successes = Counter(label: "cacheagent_google_access_token_refreshes_total", dimensions: [("result", "success")])
    private let failures = Counter(label: "cacheagent_google_access_token_refreshes_total", dimensions: [("result", "failure")])

    /// - Parameter fetch: gets a token; an error means that none can be had at the moment.
    package init(logger: Logger, fetch: @escaping @Sendable () async throws -> AccessToken) {
        self.logger = logger
        self.fetch = fetch
    }

    /// Fetches tokens until the service stops.
    package func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: .seconds(await self.refresh()))
            }
        }
    }

    /// The token. Waits for the end of the first fetch, whether it succeeds or fails.
    ///
    /// - Throws: `GoogleCloudFailure.noAccessToken`.
    package func token() async throws(GoogleCloudFailure) -> AccessToken {
        await withCheckedContinuation { continuation in
            let mayGoOn = self.state.withLock { state in
                let isFirst = state.token == nil && state.schedule == RefreshSchedule()
                if isFirst { state.waiting.append(continuation) }
                return !isFirst
            }
            if mayGoOn { continuation.resume() }
        }
        let token = self.state.withLock { $0.expiry > .now() ? $0.token : nil }
        guard let token else { throw .noAccessToken }
        return token
    }

    /// - Returns: seconds until the next fetch.
    func refresh() async -> Double {
        let outcome: Result<AccessToken, any Error>
        do {
            outcome = .success(try await self.fetch())
            self.successes.increment()
        } catch {
            outcome = .failure(error)
            self.failures.increment()
        }
        let (pause, waiting) = self.state.withLock { state in
            let pause: Double
            switch outcome {
            case .success(let token):
                state.token = token
                state.expiry = .now() + .seconds(Int64(token.lifetimeSeconds))
                pause = state.schedule.fetched(lifetimeSeconds: token.lifetimeSeconds)
            case .failure:
                pause = state.schedule.failed(random: Double.random(in: 0..<1))
            }
            defer { state.waiting = [] }
            return (pause, state.waiting)
        }
        for continuation in waiting { continuation.resume() }
        if case .failure(let error) = outcome {
            self.logger.warning(
                "no access token from the metadata server", metadata: ["error": "\(error)", "retry_s": "\((pause * 10).rounded() / 10)"])
        }
        return pause
    }
}

/// An OAuth access token as the metadata server gives it.
package struct AccessToken: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// `{"access_token":"...","expires_in":3599,"token_type":"Bearer"}` (RFC 6749, section 5.1).
    private struct Answer: Decodable {
        enum CodingKeys: String, CodingKey {
            case token = "access_token"
            case lifetimeSeconds = "expires_in"
        }

        var token: String
        var lifetimeSeconds: Int
    }

    /// The token itself, which no description of this value shows.
    package let secret: String
    /// How long it is valid from when it was given, in seconds.
    package let lifetimeSeconds: Int

    package init(secret: String, lifetimeSeconds: Int) {
        self.secret = secret
        self.lifetimeSeconds = lifetimeSeconds
    }

    package var description: String { "<redacted>" }

    package var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }

    /// Reads an answer; nil if it is anything else, or the token is not visible ASCII (RFC 6749, appendix A.12).
    package init?(json: [UInt8]) {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(json)), answer.lifetimeSeconds > 0, !answer.token.isEmpty,
            answer.token.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        self.init(secret: answer.token, lifetimeSeconds: answer.lifetimeSeconds)
    }
}
