/// A key that has just been made: the only moment at which its secret is known.
package struct NewAccessKey {
    /// 256 random bits from the system, in the URL-safe alphabet of RFC 4648, behind a mark that scanners for leaked secrets can find.
    package let secret: String
    package let digest: SecretDigest

    package init() {
        var system = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &system) }
        let secret = "rca_" + Self.base64URL(bytes)
        self.digest = SecretDigest(of: secret)
        self.secret = secret
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func base64URL(_ bytes: [UInt8]) -> String {
        var digits: [UInt8] = []
        var buffer = 0
        var bitCount = 0
        for byte in bytes {
            buffer = buffer << 8 | Int(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                digits.append(self.alphabet[buffer >> bitCount & 63])
            }
            buffer &= (1 << bitCount) - 1
        }
        if bitCount > 0 { digits.append(self.alphabet[buffer << (6 - bitCount) & 63]) }
        return String(decoding: digits, as: UTF8.self)
    }
}
