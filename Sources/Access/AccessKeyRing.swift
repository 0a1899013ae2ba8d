import Bytes
import Crypto

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

    /// The grant of this key. Every key is compared to its end, so the time does not reveal how close a guess was. O(keys).
    func grant(of digest: SecretDigest) -> AccessGrant? {
        var found = -1
        for (index, key) in self.keys.enumerated() {
            let difference = key.digest.difference(from: digest)
            // 1 if there is no difference, else 0.
            let isSame = Int(truncatingIfNeeded: ((difference | (0 &- difference)) >> 63) ^ 1)
            found = (found & (isSame &- 1)) | (index & (0 &- isSame))
        }
        return found >= 0 ? self.keys[found].grant : nil
    }

    /// The grant of an account whose token was verified. O(1).
    func grant(ofAccount account: String) -> AccessGrant? { self.accounts[account] }
}

/// The SHA-256 of a secret: all that is kept of an API key.
///
/// A fast hash is enough, since keys are 256 random bits, unlike passwords, which can be guessed.
package struct SecretDigest: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    package init(of secret: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: secret)
        self.words = hash.finalize().withUnsafeBytes { bytes in
            (
                bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
            )
        }
    }

    package init(of secret: String) {
        var secret = secret
        self = secret.withUTF8 { SecretDigest(of: UnsafeRawBufferPointer($0)) }
    }

    /// Reads 64 hexadecimal digits.
    package init?(hex text: some StringProtocol) {
        guard let bytes = Hexadecimal.bytes(text), bytes.count == 32 else { return nil }
        self.words = bytes.withUnsafeBytes {
            (
                $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
            )
        }
    }

    /// 64 hexadecimal digits.
    package var hex: String {
        withUnsafeBytes(of: self.words) { Hexadecimal.text($0) }
    }

    /// The bits that differ: zero if both are the same. Takes the same time whatever they are.
    func difference(from other: SecretDigest) -> UInt64 {
        (self.words.0 ^ other.words.0) | (self.words.1 ^ other.words.1) | (self.words.2 ^ other.words.2) | (self.words.3 ^ other.words.3)
    }

    package static func == (left: SecretDigest, right: SecretDigest) -> Bool { left.difference(from: right) == 0 }

    package func hash(into hasher: inout Hasher) {
        // Of bits that are random already, any will do.
        hasher.combine(self.words.0)
    }
}
