/// A glob in Redis's dialect (`*`, `?`, `[a-z]`, `[^x]`, `\`), compiled once and matched against many keys, byte by byte and case-sensitively.
///
/// It agrees with `KEYS` and `SCAN ... MATCH` of Redis 7.0 on every pattern, malformed ones included (see ``GlobParser``), so that an invalidation
/// means the same in both stores. Two rules concern the empty key: as the matcher of Redis stops before a star when no byte is left at the start, only
/// the empty pattern matches it; but the commands do not ask the matcher at all about the pattern `*`, which is every key.
///
/// The bytes that every match begins with are compared first, which decides most keys at once; the rest is left to ``ShiftAndAutomaton``. There is
/// neither recursion nor backtracking: matching is O(key length x (pattern length / 64 + 1)), for hostile patterns too.
package struct GlobPattern: Sendable {
    /// The bytes that every matching key begins with; the whole key if the pattern has nothing but literal bytes.
    package let literalPrefix: [UInt8]
    /// True for the pattern `*` alone, which is every key, the empty one included. (`**` is every key but the empty one, as in Redis.)
    package let matchesEverything: Bool
    /// What follows the prefix; nil if nothing does.
    private let rest: ShiftAndAutomaton?
    private let isEmpty: Bool

    /// Compiles a pattern. Every sequence of bytes is a valid one.
    ///
    /// O(256 x pattern length) at most; takes 2 KiB for every 64 bytes of the pattern behind its literal prefix. The caller bounds the length.
    package init(_ pattern: some Sequence<UInt8>) {
        let bytes = Array(pattern)
        let atoms = GlobParser.parse(bytes)
        var prefix: [UInt8] = []
        for case .oneOf(let members) in atoms.prefix(while: { $0 != .star }) {
            guard let byte = members.onlyMember else { break }
            prefix.append(byte)
        }
        literalPrefix = prefix
        matchesEverything = bytes == [UInt8(ascii: "*")]
        isEmpty = bytes.isEmpty
        rest = prefix.count == atoms.count ? nil : ShiftAndAutomaton(atoms.dropFirst(prefix.count))
    }

    /// Whether `KEYS` of Redis would list `key` for this pattern.
    package func matches(_ key: Span<UInt8>) -> Bool {
        if matchesEverything { return true }
        if key.isEmpty { return isEmpty }
        let prefixCount = literalPrefix.count
        guard key.count >= prefixCount else { return false }
        let prefix = literalPrefix.span
        for index in 0..<prefixCount where key[index] != prefix[index] {
            return false
        }
        guard let rest else { return key.count == prefixCount }
        return rest.matches(key.extracting(prefixCount..<key.count))
    }
}
