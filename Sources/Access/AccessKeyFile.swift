/// The file of API keys: one a line, `NAME sha256:HEX SCOPES [PREFIX]`, separated by blanks; `#` begins a comment.
///
///     backend    sha256:9f86d081…  read,write             agent:
///     operators  sha256:60303ae2…  all
package enum AccessKeyFile {
    /// What is wrong with a file: every faulty line by its number, without what it holds.
    package struct Faults: Error, Hashable {
        package var lines: [String]

        package init(lines: [String] = []) {
            self.lines = lines
        }
    }

    /// The most keys of a file: each is compared with every key that comes.
    package static let maximumKeys = 1000

    private static let digestMark = "sha256:"

    /// - Parameter makeBucket: how often each key may be used; nil for no bound.
    package static func parse(_ text: String, makeBucket: (() -> TokenBucket)? = nil) throws(Faults) -> AccessKeyRing {
        var keys: [(digest: SecretDigest, grant: AccessGrant)] = []
        var names: Set<Substring> = []
        var faults = Faults()
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let fields = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard !fields.isEmpty else { continue }
            func fault(_ text: String) { faults.lines.append("line \(index + 1): \(text)") }
            guard fields.count == 3 || fields.count == 4 else {
                fault("not NAME sha256:HEX SCOPES [PREFIX]")
                continue
            }
            guard self.isName(fields[0]) else {
                fault("a name is 1 to 64 letters, digits, '-', '_' or '.'")
                continue
            }
            guard names.insert(fields[0]).inserted else {
                fault("the name stands in an earlier line")
                continue
            }
            guard fields[1].hasPrefix(self.digestMark), let digest = SecretDigest(hex: fields[1].dropFirst(self.digestMark.count)) else {
                fault("not 'sha256:' with 64 hexadecimal digits")
                continue
            }
            guard let scopes = AccessScopes(names: fields[2]) else {
                fault("scopes are read, write, invalidate, admin or all, separated by commas")
                continue
            }
            keys.append(
                (
                    digest,
                    AccessGrant(
                        name: String(fields[0]), scopes: scopes, prefix: fields.count == 4 ? Array(fields[3].utf8) : [], bucket: makeBucket?())
                ))
        }
        if keys.count > self.maximumKeys { faults.lines.append("more than \(self.maximumKeys) keys") }
        guard faults.lines.isEmpty else { throw faults }
        return AccessKeyRing(keys)
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
