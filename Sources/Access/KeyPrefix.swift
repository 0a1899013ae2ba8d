/// Confines patterns, in Redis's glob dialect, to keys with a prefix.
struct KeyPrefix {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A pattern that matches no key without the prefix; nil where `pattern` might.
    ///
    /// `*` alone means everything with the prefix. Any other pattern must begin with the prefix itself, letter by letter: `agent:1*` with the prefix
    /// `agent:`. What begins with `a*` or `[a]gent:` could match elsewhere, or would take a proof that it does not.
    func confined(_ pattern: [UInt8]) -> [UInt8]? {
        if pattern == [UInt8(ascii: "*")] { return self.escaped + pattern }
        var index = 0
        for expected in self.bytes {
            guard index < pattern.count else { return nil }
            switch pattern[index] {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["):
                return nil
            // At the end of a pattern a backslash stands for itself.
            case UInt8(ascii: "\\") where index + 1 < pattern.count:
                index += 1
            default:
                break
            }
            guard pattern[index] == expected else { return nil }
            index += 1
        }
        return pattern
    }

    /// The prefix as a pattern that matches itself.
    private var escaped: [UInt8] {
        self.bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
            default: [byte]
            }
        }
    }
}
