/// The file of API keys and accounts, one a line: `NAME sha256:HEX SCOPES [PREFIX]` for an API key, `NAME google:ADDRESS SCOPES [PREFIX]` for an
/// account of Google, separated by blanks; `#` begins a comment.
///
///     backend    sha256:9f86d081…                          read,write   agent:
///     reports    google:reports@p.iam.gserviceaccount.com  read
package enum AccessKeyFile {
    /// What is wrong with a file: every faulty line by its number, without its content.
    package struct Faults: Error, Hashable {
        package var lines: [String]

        package init(lines: [String] = []) {
            self.lines = lines
        }
    }

    /// The most keys of a file: every credential is compared with each.
    package static let maximumKeys = 1000
    /// The largest file that is read: far more than so many keys take, comments included.
    package static let maximumBytes = 16 * 1024 * 1024

    private static let digestMark = "sha256:"
    private static let accountMark = "google:"

    /// - Parameters:
    ///   - acceptsAccounts: whether tokens of accounts can be verified; if not, a line that names one is a fault.
    ///   - makeBucket: how often each key may be used; nil for no bound.
    package static func parse(
        _ text: String, acceptsAccounts: Bool = true, makeBucket: (() -> TokenBucket)? = nil
    ) throws(Faults) -> AccessKeyRing {
        var keys: [(digest: SecretDigest, grant: AccessGrant)] = []
        var accounts: [String: AccessGrant] = [:]
        // The line of each, so that a second one can name the first.
        var nameLines: [Substring: Int] = [:]
        var digestLines: [SecretDigest: Int] = [:]
        var accountLines: [String: Int] = [:]
        var faults = Faults()
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let fields = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard !fields.isEmpty else { continue }
            let number = index + 1
            func fault(_ text: String) { faults.lines.append("line \(number): \(text)") }
            guard fields.count == 3 || fields.count == 4 else {
                fault("not NAME sha256:HEX SCOPES [PREFIX] or NAME google:ADDRESS SCOPES [PREFIX]")
                continue
            }
            guard self.isName(fields[0]) else {
                fault("a name is 1 to 64 letters, digits, '-', '_' or '.'")
                continue
            }
            if let first = nameLines.updateValue(number, forKey: fields[0]) { fault("the name is already used in line \(first)") }
            guard let scopes = AccessScopes(names: fields[2]) else {
                fault("scopes are read, write, invalidate, admin or all, separated by commas")
                continue
            }
            let prefix = fields.count == 4 ? Array(fields[3].utf8) : []
            let grant = AccessGrant(scopes: scopes, prefix: prefix, bucket: makeBucket?())
            if let account = self.account(fields[1]) {
                if !acceptsAccounts { fault("an account, but there is no GOOGLE_TOKEN_AUDIENCE") }
                if let first = accountLines.updateValue(number, forKey: account) { fault("the account is already used in line \(first)") }
                accounts[account] = grant
            } else if fields[1].hasPrefix(self.digestMark), let digest = SecretDigest(hex: fields[1].dropFirst(self.digestMark.count)) {
                // Which of two grants a key has must not depend on the order of the lines.
                if let first = digestLines.updateValue(number, forKey: digest) { fault("the key is already used in line \(first)") }
                keys.append((digest, grant))
            } else {
                fault("neither 'sha256:' with 64 hexadecimal digits nor 'google:' with the address of an account")
            }
        }
        if keys.count + accounts.count > self.maximumKeys { faults.lines.append("more than \(self.maximumKeys) keys") }
        guard faults.lines.isEmpty else { throw faults }
        return AccessKeyRing(keys, accounts: accounts)
    }

    /// The address behind `google:`, of visible ASCII with one `@`.
    private static func account(_ field: Substring) -> String? {
        guard field.hasPrefix(self.accountMark) else { return nil }
        let address = field.dropFirst(self.accountMark.count)
        let parts = address.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), address.utf8.count <= 254, address.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        return String(address)
    }

    private static func isName(_ text: Substring) -> Bool {
        text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
                default: false
                }
            }
    }
}

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
