import AsyncHTTPClient
import CoreMetrics
import JWTKit
package import Logging
package import NIOCore
import NIOHTTP1
import OutboundHTTP
import ServiceLifecycle

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Keeps the issuer's public keys ready: fetched in the background before they are too old, and at once if a token names an unknown one.
///
/// If they cannot be fetched again, the old ones stay in use: an issuer that does not answer must not lock everybody out.
package actor SigningKeySource: Service {
    /// The least time between two requests to the issuer: strangers can name unknown keys as often as they like.
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

    /// - Parameter fetch: gets the keys; an error means that they cannot be had at the moment.
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

    /// The keys, if one of them has this identifier; else nil.
    ///
    /// - Throws: `GoogleCloudFailure.noSigningKeys` if that cannot be found out at the moment.
    func keys(with identifier: String) async throws -> JWTKeyCollection? {
        if let keys = self.keys, keys.identifiers.contains(identifier) { return keys.collection }
        if self.underWay != nil || self.now() >= self.mayAskAt { _ = await self.refresh() }
        if let keys = self.keys, keys.identifiers.contains(identifier) { return keys.collection }
        if self.keys == nil || self.hasFailed { throw GoogleCloudFailure.noSigningKeys }
        return nil
    }

    /// Fetches the keys, or waits for the fetch in progress.
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

/// The RSA keys of a published set. Others are left out: Google signs ID tokens with `RS256` (RFC 7518, section 3.3), and no other
/// kind of key can be confused with it.
struct SigningKeys {
    let collection: JWTKeyCollection
    let identifiers: Set<String>

    /// - Throws: if this is no key set, or one without such a key.
    init(json: String) async throws {
        let set = try JSONDecoder().decode(JWKS.self, from: Data(json.utf8))
        let keys = set.keys.filter { $0.keyType == .rsa && $0.keyIdentifier != nil && ($0.algorithm ?? .rs256) == .rs256 }
        guard !keys.isEmpty else { throw GoogleCloudFailure.unreadable }
        self.identifiers = Set(keys.compactMap { $0.keyIdentifier?.string })
        self.collection = JWTKeyCollection()
        try await self.collection.add(jwks: JWKS(keys: keys))
    }
}

/// Where an issuer publishes the keys that it signs with; Google's are at https://www.googleapis.com/oauth2/v3/certs.
package struct SigningKeyServer: Sendable {
    private let url: String
    private let timeout: TimeAmount

    package init(url: String, timeout: TimeAmount = .seconds(5)) {
        self.url = url
        self.timeout = timeout
    }

    package func keys() async throws -> SigningKeyAnswer {
        let response = try await HTTPClient.outbound.execute(HTTPClientRequest(url: self.url), timeout: self.timeout)
        let lifetime = SigningKeyAnswer.lifetimeSeconds(cacheControl: response.headers["cache-control"])
        return SigningKeyAnswer(json: String(decoding: try await response.answeredBody(), as: UTF8.self), lifetimeSeconds: lifetime)
    }
}

/// Public keys as their issuer publishes them.
package struct SigningKeyAnswer: Sendable {
    /// A JSON Web Key Set (RFC 7517, section 5).
    package let json: String
    /// How long they may be kept, by the answer's `Cache-Control`.
    package let lifetimeSeconds: Int

    package init(json: String, lifetimeSeconds: Int) {
        self.json = json
        self.lifetimeSeconds = lifetimeSeconds
    }

    /// The lifetime if an answer names none: Google's keys change about once a week, and are published before they are used.
    static let defaultLifetimeSeconds = 3600

    /// Reads `max-age` of a `Cache-Control` (RFC 9111, section 5.2.2.1); between 5 minutes and a day, whatever it says.
    static func lifetimeSeconds(cacheControl: [String]) -> Int {
        let directives = cacheControl.joined(separator: ",").split(separator: ",").map { $0.drop { $0 == " " }.lowercased() }
        let seconds = directives.lazy.compactMap { $0.hasPrefix("max-age=") ? Int($0.dropFirst("max-age=".count)) : nil }.first
        return min(max(seconds ?? self.defaultLifetimeSeconds, 300), 86_400)
    }
}
