import NIOCore
import Synchronization

/// The keys and accounts that are valid now, for the whole process. They are replaced while requests are answered.
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
    ///   - verifier: checks tokens; nil if only API keys are accepted.
    ///   - rememberedTokens: the most verified tokens that are remembered, at least 1.
    package init(_ ring: AccessKeyRing, verifier: (any TokenVerifier)? = nil, rememberedTokens: Int = 1) {
        self.state = Mutex(State(ring: ring, tokens: TokenMemory(capacity: rememberedTokens)))
        self.verifier = verifier
    }

    /// Rises with every replacement of the keys: an earlier answer may be wrong since then.
    package var version: Int { self.ringVersion.load(ordering: .acquiring) }

    /// Replaces the keys and accounts. Requests that begin afterwards are judged by the new ones.
    package func replace(_ ring: AccessKeyRing) {
        self.state.withLock { $0.ring = ring }
        self.ringVersion.add(1, ordering: .releasing)
    }

    package var rememberedTokenCount: Int { self.state.withLock { $0.tokens.count } }

    /// The caller with this secret, as far as is known without verifying a token, and until when that holds. O(keys).
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

    /// The caller with this token, which is verified. The result is remembered until the token expires.
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
            // A token of an account without a grant is not remembered: its holder could fill the memory with others.
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

/// Checks tokens that somebody else signed, such as Google's ID tokens.
package protocol TokenVerifier: Sendable {
    /// Whose token it is; nil if its signature or what it claims is not valid.
    ///
    /// - Parameter token: of anybody's choice, at most `AccessControl.maximumTokenBytes` long.
    /// - Throws: if that cannot be found out at the moment.
    func identity(of token: String) async throws -> TokenIdentity?
}

/// The account that a verified token belongs to.
package struct TokenIdentity: Sendable, Hashable {
    /// The address of the account.
    package let account: String
    /// When the token expires, in nanoseconds of the monotonic clock.
    package let notAfter: Int

    package init(account: String, notAfter: Int) {
        self.account = account
        self.notAfter = notAfter
    }
}

/// Tokens that were verified and have not expired: their signature is checked once, not with every request.
///
/// Only their hashes are kept. Nothing is inserted without a valid token, so strangers cannot fill it.
struct TokenMemory {
    private let capacity: Int
    private var identities: [SecretDigest: TokenIdentity] = [:]

    /// - Parameter capacity: tokens, at least 1.
    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { self.identities.count }

    /// O(1).
    func identity(of digest: SecretDigest, now: Int) -> TokenIdentity? {
        guard let identity = self.identities[digest], identity.notAfter > now else { return nil }
        return identity
    }

    /// O(1), but O(capacity) if it is full: then expired tokens go, and if there are none, any one, which is verified again when it comes back.
    mutating func insert(_ identity: TokenIdentity, for digest: SecretDigest, now: Int) {
        if self.identities.count >= self.capacity { self.identities = self.identities.filter { $0.value.notAfter > now } }
        if self.identities.count >= self.capacity { self.identities.remove(at: self.identities.startIndex) }
        self.identities[digest] = identity
    }
}

/// The last caller of one connection: its next request mostly has the same credential, and comparing is cheaper than hashing.
///
/// The comparison need not take constant time: it is with what this very connection has sent before, and only its own client can see how long it
/// takes.
package struct CallerMemory {
    private var credential = ByteBuffer()
    private var caller: AccessCaller?
    private var version = -1
    private var notAfter = 0

    package init() {}

    /// The caller with this credential.
    /// - Parameter now: nanoseconds of the monotonic clock.
    package mutating func caller(_ credential: UnsafeRawBufferPointer, _ control: AccessControl, now: Int) -> AccessCaller {
        let version = control.version
        if version == self.version, now < self.notAfter, let caller = self.caller, self.isLastCredential(credential) { return caller }
        let (caller, notAfter) = control.caller(credential, now: now)
        self.version = version
        self.notAfter = notAfter
        self.caller = caller
        self.credential = ByteBuffer(bytes: credential)
        return caller
    }

    private func isLastCredential(_ credential: UnsafeRawBufferPointer) -> Bool {
        self.credential.readableBytes == credential.count && self.credential.withUnsafeReadableBytes { $0.hasPrefix(credential) }
    }
}
