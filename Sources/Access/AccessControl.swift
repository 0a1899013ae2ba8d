import Synchronization

/// Who may ask, for the whole process: the keys and accounts of the moment. They are replaced while requests are answered.
package final class AccessControl: Sendable {
    /// The longest token that is looked at: Google's have about a thousand bytes.
    package static let maximumTokenBytes = 4096

    private struct State {
        var ring: AccessKeyRing
        var tokens: TokenMemory
    }

    private let state: Mutex<State>
    private let ringVersion = Atomic<Int>(0)
    private let verifier: (any TokenVerifier)?

    /// - Parameters:
    ///   - verifier: checks tokens; nil where only API keys are accepted.
    ///   - rememberedTokens: the most verified tokens that are remembered, at least 1.
    package init(_ ring: AccessKeyRing, verifier: (any TokenVerifier)? = nil, rememberedTokens: Int = 1) {
        self.state = Mutex(State(ring: ring, tokens: TokenMemory(capacity: rememberedTokens)))
        self.verifier = verifier
    }

    /// Rises with every replacement of the keys: what was found out before it may be wrong.
    package var version: Int { self.ringVersion.load(ordering: .acquiring) }

    /// Replaces the keys and accounts. Requests that begin afterwards are judged by the new ones.
    package func replace(_ ring: AccessKeyRing) {
        self.state.withLock { $0.ring = ring }
        self.ringVersion.add(1, ordering: .releasing)
    }

    package var rememberedTokenCount: Int { self.state.withLock { $0.tokens.count } }

    /// Who has this secret, as far as is known without asking anybody, and until when that holds. O(keys).
    ///
    /// - Parameter now: nanoseconds of the monotonic clock.
    package func caller(_ secret: UnsafeRawBufferPointer, now: Int) -> (caller: AccessCaller, notAfter: Int) {
        let digest = SecretDigest(of: secret)
        return self.state.withLock { state in
            if let grant = state.ring.grant(of: digest) { return (.known(grant), .max) }
            guard self.verifier != nil, let identity = state.tokens.identity(of: digest, now: now),
                let grant = state.ring.grant(ofAccount: identity.account)
            else { return (.unknown, now) }
            return (.known(grant), identity.notAfter)
        }
    }

    /// Who has this token, which nobody has shown before. What is found out is remembered until the token expires.
    ///
    /// - Parameter now: nanoseconds of the monotonic clock.
    package func verifiedCaller(_ token: String, now: Int) async -> AccessCaller {
        guard let verifier = self.verifier, Self.isTokenShaped(token) else { return .unknown }
        let identity: TokenIdentity?
        do {
            identity = try await verifier.identity(of: token)
        } catch {
            return .unverified
        }
        guard let identity, identity.notAfter > now else { return .unknown }
        let digest = SecretDigest(of: token)
        return self.state.withLock { state in
            // A token that nobody here knows is not remembered: its holder could fill the memory with others.
            guard let grant = state.ring.grant(ofAccount: identity.account) else { return .unknown }
            state.tokens.insert(identity, for: digest, now: now)
            return .known(grant)
        }
    }

    /// Three parts, two dots (RFC 7519, section 3.1); anything else is a wrong API key.
    private static func isTokenShaped(_ token: String) -> Bool {
        token.utf8.count <= self.maximumTokenBytes && token.utf8.count { $0 == UInt8(ascii: ".") } == 2
    }
}
