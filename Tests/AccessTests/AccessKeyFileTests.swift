import NIOCore
import Testing

@testable import Access

struct AccessKeyFileTests {
    private static let digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    private static let other = "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"

    private static let form = "not NAME sha256:HEX SCOPES [PREFIX] or NAME google:ADDRESS SCOPES [PREFIX]"
    private static let who = "neither 'sha256:' with 64 hexadecimal digits nor 'google:' with the address of an account"

    private func caller(_ secret: String, _ ring: AccessKeyRing) -> AccessGrant? {
        var secret = secret
        return ring.grant(of: secret.withUTF8 { SecretDigest(of: UnsafeRawBufferPointer($0)) })
    }

    @Test func keysAreRead() throws {
        let ring = try AccessKeyFile.parse(
            """
            # who        hash                    scopes
            backend      \(Self.digest)          read,write   agent:
              operators\t\(Self.other)           all          # everything

            """)
        #expect(ring.count == 2)
        let backend = try #require(self.caller("test", ring))
        #expect(backend.scopes == [.read, .write] && backend.prefix == Array("agent:".utf8))
        let operators = try #require(self.caller("test2", ring))
        #expect(operators.scopes == .all && operators.prefix.isEmpty)
        #expect(self.caller("test3", ring) == nil)
        #expect(self.caller("", ring) == nil)
    }

    @Test func accountsAreRead() throws {
        let ring = try AccessKeyFile.parse("a google:a@p.iam.gserviceaccount.com read x:\nb \(Self.digest) all\n")
        #expect(ring.count == 2)
        let grant = try #require(ring.grant(ofAccount: "a@p.iam.gserviceaccount.com"))
        #expect(grant.scopes == .read && grant.prefix == Array("x:".utf8))
        #expect(ring.grant(ofAccount: "A@p.iam.gserviceaccount.com") == nil && ring.grant(ofAccount: "") == nil)
    }

    @Test func accountsAreUniqueAndNeedAnAudience() {
        #expect(throws: AccessKeyFile.Faults(lines: ["line 2: the account is already used in line 1"])) {
            try AccessKeyFile.parse("a google:a@b read\nb google:a@b all")
        }
        #expect(throws: AccessKeyFile.Faults(lines: ["line 1: an account, but there is no GOOGLE_TOKEN_AUDIENCE"])) {
            try AccessKeyFile.parse("a google:a@b read", acceptsAccounts: false)
        }
    }

    @Test func windowsLineEnds() throws {
        #expect(try AccessKeyFile.parse("a \(Self.digest) read\r\nb \(Self.other) read\r\n").count == 2)
    }

    @Test(arguments: [
        ("a", form), ("a \(digest)", form),
        ("a \(digest) read p q", form), ("a b read", who),
        ("a \(digest)0 read", who),
        ("a \(digest.dropLast()) read", who),
        ("a \(digest.dropLast())g read", who),
        ("a \(digest.dropLast(2))+1 read", who),
        ("a google: read", who), ("a google:x read", who), ("a google:@b read", who), ("a google:a@b@c read", who), ("a google:a@\u{E9} read", who),
        ("a \(digest) readd", "scopes are read, write, invalidate, admin or all, separated by commas"),
        ("a \(digest) read,", "scopes are read, write, invalidate, admin or all, separated by commas"),
        ("a/b \(digest) read", "a name is 1 to 64 letters, digits, '-', '_' or '.'"),
    ])
    func faultsAreNamedByLine(_ line: String, _ text: String) {
        #expect(throws: AccessKeyFile.Faults(lines: ["line 2: \(text)"])) { try AccessKeyFile.parse("# \n\(line)\nok \(Self.other) all") }
    }

    @Test func everyFaultIsNamedAndNothingOfTheSecrets() {
        let faults = #expect(throws: AccessKeyFile.Faults.self) {
            try AccessKeyFile.parse("a \(Self.digest) nothing\nb secret read\na \(Self.other) read")
        }
        #expect(faults?.lines.count == 3 || faults?.lines.count == 2)
        #expect(faults?.lines.contains { $0.contains("secret") || $0.contains("9f86") } == false)
    }

    @Test func namesAreUnique() {
        #expect(throws: AccessKeyFile.Faults(lines: ["line 2: the name is already used in line 1"])) {
            try AccessKeyFile.parse("a \(Self.digest) read\na \(Self.other) read")
        }
    }

    /// Whichever line won, somebody would have more or less than their line says.
    @Test func keysAreUnique() {
        let text =
            "a \(Self.digest) read\nb \(Self.other) all\n# \nc \(Self.digest.uppercased().replacing("SHA256:", with: "sha256:")) all\nb \(Self.other) all"
        let faults = #expect(throws: AccessKeyFile.Faults.self) { try AccessKeyFile.parse(text) }
        #expect(
            faults?.lines == [
                "line 4: the key is already used in line 1", "line 5: the name is already used in line 2",
                "line 5: the key is already used in line 2",
            ])
    }

    @Test func theNumberIsBounded() {
        let lines = (0...AccessKeyFile.maximumKeys).map { "k\($0) sha256:\(SecretDigest(of: "\($0)").hex) read" }.joined(separator: "\n")
        #expect(throws: AccessKeyFile.Faults(lines: ["more than 1000 keys"])) { try AccessKeyFile.parse(lines) }
    }

    @Test func newKeysAreLongAndNeverTheSame() throws {
        let keys = (0..<50).map { _ in NewAccessKey() }
        #expect(Set(keys.map(\.secret)).count == 50)
        for key in keys {
            #expect(key.secret.wholeMatch(of: #/rca_[A-Za-z0-9_-]{43}/#) != nil)
            let ring = try AccessKeyFile.parse("k sha256:\(key.digest.hex) read")
            #expect(self.caller(key.secret, ring)?.scopes == .read)
        }
    }

    /// RFC 4648, section 10, in the URL-safe alphabet without padding.
    @Test(arguments: [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy")])
    func base64(_ text: String, _ encoded: String) {
        #expect(NewAccessKey.base64URL(Array(text.utf8)) == encoded)
    }

    @Test func everyKeyOfManyIsFound() {
        let keys = (0..<300).map { number in
            (SecretDigest(of: "secret \(number)"), AccessGrant(scopes: .read, prefix: Array("\(number)".utf8)))
        }
        let ring = AccessKeyRing(keys.map { (digest: $0.0, grant: $0.1) })
        for number in 0..<300 { #expect(ring.grant(of: SecretDigest(of: "secret \(number)"))?.prefix == Array("\(number)".utf8)) }
        #expect(ring.grant(of: SecretDigest(of: "secret 300")) == nil)
        #expect(AccessKeyRing([]).grant(of: SecretDigest(of: "x")) == nil)
    }

    /// FIPS 180-4: the hash of "abc".
    @Test func theDigestIsSHA256() {
        #expect(SecretDigest(of: "abc").hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(SecretDigest(hex: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == SecretDigest(of: "abc"))
    }
}
