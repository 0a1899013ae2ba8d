/// The API keys and accounts that are active.
package struct AccessKeyRing: Sendable {
    private let keys: [(digest: SecretDigest, grant: AccessGrant)]
    private let accounts: [String: AccessGrant]

    /// - Parameter accounts: by their addresses.
    package init(_ keys: [(digest: SecretDigest, grant: AccessGrant)], accounts: [String: AccessGrant] = [:]) {
        self.keys = keys
        self.accounts = accounts
    }

    package var count: Int { self.keys.count + self.accounts.count }

    package var names: [String] { self.keys.map(\.grant.name) + self.accounts.values.map(\.name).sorted() }

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

    /// What an account may, whose token was verified. O(1).
    func grant(ofAccount account: String) -> AccessGrant? { self.accounts[account] }
}
