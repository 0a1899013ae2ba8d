/// The API keys that are active.
package struct AccessKeyRing: Sendable {
    private let keys: [(digest: SecretDigest, grant: AccessGrant)]

    package init(_ keys: [(digest: SecretDigest, grant: AccessGrant)]) {
        self.keys = keys
    }

    package var count: Int { self.keys.count }

    package var names: [String] { self.keys.map(\.grant.name) }

    /// Whose key this is. Every key is compared to its end, so that the time says nothing of how near a guess was. O(keys).
    func grant(of digest: SecretDigest) -> AccessGrant? {
        var found = -1
        for (index, key) in self.keys.enumerated() {
            let difference = key.digest.difference(from: digest)
            // All ones where there is no difference, else all zeros.
            let isSame = Int(truncatingIfNeeded: ((difference | (0 &- difference)) >> 63) ^ 1)
            found = (found & (isSame &- 1)) | (index & (0 &- isSame))
        }
        return found >= 0 ? self.keys[found].grant : nil
    }
}
