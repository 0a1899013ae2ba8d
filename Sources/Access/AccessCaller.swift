package import NIOCore

/// Who asks. The one function that decides, for the fast lane and the router alike, is `verdict`.
package enum AccessCaller: Sendable {
    /// Nobody is asked for a credential.
    case anybody
    /// A credential is asked for, and none came.
    case anonymous
    /// A credential came that nobody has.
    case unknown
    /// A token came that cannot be checked now.
    case unverified
    case known(AccessGrant)

    /// Whether the caller may do anything of this kind: asked before a request is looked at any closer.
    package func verdict(_ scope: AccessScopes) -> AccessVerdict {
        switch self {
        case .anybody: .allowed
        case .anonymous: .unauthenticated
        case .unknown: .rejected
        case .unverified: .undecided
        case .known(let grant): grant.scopes.contains(scope) ? .allowed : .forbidden(scope)
        }
    }

    /// Whether the caller may do this. O(length of the caller's prefix).
    package func verdict(_ action: AccessAction) -> AccessVerdict {
        let verdict = self.verdict(action.scope)
        guard verdict == .allowed, case .known(let grant) = self else { return verdict }
        switch action {
        case .read(let key), .write(let key):
            let isInside = key.withUnsafeReadableBytes { key in grant.prefix.withUnsafeBytes { key.begins(with: $0) } }
            return isInside ? .allowed : .outsidePrefix
        }
    }

    /// Counts a request of this caller.
    /// - Parameter now: nanoseconds of the monotonic clock.
    /// - Returns: nil where it is not one too many, else in how many nanoseconds the next may come.
    package func admit(now: Int) -> Int? {
        guard case .known(let grant) = self, let bucket = grant.bucket else { return nil }
        return bucket.take(now: now)
    }

    /// The pattern that stands for `pattern` where the caller has a prefix; nil where it reaches beyond.
    package func confined(_ pattern: ByteBuffer) -> ByteBuffer? {
        guard case .known(let grant) = self, !grant.prefix.isEmpty else { return pattern }
        return KeyPrefix(grant.prefix).confined(Array(pattern.readableBytesView)).map { ByteBuffer(bytes: $0) }
    }
}
