import CoreMetrics
import JWTKit
package import Logging
package import NIOCore
import ServiceLifecycle

/// Keeps the issuer's public keys at hand: fetched in the background before they are too old, and at once where a token names one that is not known.
///
/// Keys that cannot be fetched anew serve on: that the issuer does not answer is no reason to lock everybody out.
package actor SigningKeySource: Service {
    /// Strangers can name unknown keys as often as they like: so often, at most, is the issuer asked for them.
    static let leastIntervalSeconds = 30.0

    private let fetch: @Sendable () async throws -> SigningKeyAnswer
    private let now: @Sendable () -> NIODeadline
    private let logger: Logger
    private let successes = Counter(label: "cacheagent_google_signing_key_refreshes_total", dimensions: [("result", "success")])
    private let failures = Counter(label: "cacheagent_google_signing_key_refreshes_total", dimensions: [("result", "failure")])

    private var keys: SigningKeys?
    private var hasFailed = false
    private var schedule = RefreshSchedule()
    private var mayAskAt = NIODeadline.uptimeNanoseconds(0)
    private var underWay: Task<Double, Never>?

    /// - Parameter fetch: gets the keys; an error means that they cannot be had now.
    package init(
        logger: Logger, now: @escaping @Sendable () -> NIODeadline = { .now() }, fetch: @escaping @Sendable () async throws -> SigningKeyAnswer
    ) {
        self.logger = logger
        self.now = now
        self.fetch = fetch
    }

    /// Fetches keys until the service stops.
    package func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: .seconds(await self.refresh()))
            }
        }
    }

    /// The keys, with the one of this identifier among them; nil where there is none of that name.
    ///
    /// - Throws: `GoogleCloudFailure.noSigningKeys` where that cannot be found out now.
    func keys(with identifier: String) async throws -> JWTKeyCollection? {
        if let keys = self.keys, keys.identifiers.contains(identifier) { return keys.collection }
        if self.underWay != nil || self.now() >= self.mayAskAt { _ = await self.refresh() }
        if let keys = self.keys, keys.identifiers.contains(identifier) { return keys.collection }
        if self.keys == nil || self.hasFailed { throw GoogleCloudFailure.noSigningKeys }
        return nil
    }

    /// Fetches the keys, or waits for the fetch that is under way.
    /// - Returns: seconds until the next one.
    @discardableResult func refresh() async -> Double {
        if let underWay = self.underWay { return await underWay.value }
        let task = Task { await self.fetchOnce() }
        self.underWay = task
        return await task.value
    }

    private func fetchOnce() async -> Double {
        let outcome: Result<(keys: SigningKeys, lifetimeSeconds: Int), any Error>
        do {
            let answer = try await self.fetch()
            outcome = .success((try await SigningKeys(json: answer.json), answer.lifetimeSeconds))
        } catch {
            outcome = .failure(error)
        }
        self.underWay = nil
        switch outcome {
        case .success(let (keys, lifetimeSeconds)):
            self.successes.increment()
            self.keys = keys
            self.hasFailed = false
            self.mayAskAt = self.now() + .milliseconds(Int64(Self.leastIntervalSeconds * 1000))
            return self.schedule.fetched(lifetimeSeconds: lifetimeSeconds)
        case .failure(let error):
            self.failures.increment()
            self.hasFailed = true
            let pause = self.schedule.failed(random: Double.random(in: 0..<1))
            self.mayAskAt = self.now() + .milliseconds(Int64(pause * 1000))
            self.logger.warning(
                "no signing keys from their issuer", metadata: ["error": "\(error)", "retry_s": "\((pause * 10).rounded() / 10)"])
            return pause
        }
    }
}
