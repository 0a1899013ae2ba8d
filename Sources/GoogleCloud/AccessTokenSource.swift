import CoreMetrics
package import Logging
import NIOCore
package import RedisClient
import ServiceLifecycle
import Synchronization

/// Keeps an access token at hand: one for the process, fetched in the background before the last one expires.
///
/// Redis wants it when a connection is made and never again: a connection outlives its token. So nobody waits for the metadata server but the first.
/// https://cloud.google.com/memorystore/docs/cluster/about-iam-auth
package final class AccessTokenSource: RedisPasswordProvider, Service {
    private struct State {
        var token: RedisPassword?
        var expiry = NIODeadline.uptimeNanoseconds(0)
        var schedule = RefreshSchedule()
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let fetch: @Sendable () async throws -> AccessToken
    private let state = Mutex(State())
    private let logger: Logger
    private let successes = Counter(label: "cacheagent_google_access_token_refreshes_total", dimensions: [("result", "success")])
    private let failures = Counter(label: "cacheagent_google_access_token_refreshes_total", dimensions: [("result", "failure")])

    /// - Parameter fetch: gets a token; an error means that there is none now.
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

    /// The token. Before the first fetch has ended, well or not, its end is waited for.
    package func password() async throws -> RedisPassword {
        await withCheckedContinuation { continuation in
            let mayGoOn = self.state.withLock { state in
                let isFirst = state.token == nil && state.schedule == RefreshSchedule()
                if isFirst { state.waiting.append(continuation) }
                return !isFirst
            }
            if mayGoOn { continuation.resume() }
        }
        let token = self.state.withLock { $0.expiry > .now() ? $0.token : nil }
        guard let token else { throw RedisFailure(.authenticationFailed, "there is no access token from the metadata server") }
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
                state.token = token.secret
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
