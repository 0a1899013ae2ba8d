/// Tokens that were verified and have not expired: their signature is checked once, not with every request.
///
/// Only their hashes are kept. Nobody gets in here without a valid token, so that strangers cannot fill it.
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

    /// O(1), but O(capacity) where it is full: then expired tokens go, and if there are none, any one, which is verified anew when it comes again.
    mutating func insert(_ identity: TokenIdentity, for digest: SecretDigest, now: Int) {
        if self.identities.count >= self.capacity { self.identities = self.identities.filter { $0.value.notAfter > now } }
        if self.identities.count >= self.capacity { self.identities.remove(at: self.identities.startIndex) }
        self.identities[digest] = identity
    }
}
