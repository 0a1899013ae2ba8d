import Crypto

/// The SHA-256 of a secret: what is kept of an API key.
///
/// A fast hash is enough, since keys are 256 random bits and no words that anybody could try (unlike passwords).
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
        var bytes: [UInt8] = []
        var digits = text.utf8.makeIterator()
        while let high = digits.next() {
            guard let low = digits.next(), let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16), high != UInt8(ascii: "+")
            else {
                return nil
            }
            bytes.append(value)
        }
        guard bytes.count == 32 else { return nil }
        self.words = bytes.withUnsafeBytes {
            (
                $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
            )
        }
    }

    /// 64 hexadecimal digits.
    package var hex: String {
        withUnsafeBytes(of: self.words) { bytes in
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    /// Which bits differ: zero where both are the same. Takes the same time whatever they are.
    func difference(from other: SecretDigest) -> UInt64 {
        (self.words.0 ^ other.words.0) | (self.words.1 ^ other.words.1) | (self.words.2 ^ other.words.2) | (self.words.3 ^ other.words.3)
    }

    package static func == (left: SecretDigest, right: SecretDigest) -> Bool { left.difference(from: right) == 0 }

    package func hash(into hasher: inout Hasher) {
        // Of bits that are random already, any will do.
        hasher.combine(self.words.0)
    }
}
