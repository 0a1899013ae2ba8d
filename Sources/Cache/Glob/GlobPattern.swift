/// A glob in Redis's dialect (`*`, `?`, `[a-z]`, `[^x]`, `\`), compiled once and matched against many keys, byte by byte and case-sensitively.
///
/// It agrees with `KEYS` and `SCAN ... MATCH` of Redis 7.0 on every pattern, malformed ones included (see ``GlobParser``), so that an invalidation
/// means the same in both stores. Two rules concern the empty key: as the matcher of Redis stops before a star if no byte is left at the start, only
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
    private let atoms: [GlobAtom]

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
        self.atoms = atoms
        literalPrefix = prefix
        matchesEverything = bytes == [UInt8(ascii: "*")]
        isEmpty = bytes.isEmpty
        rest = prefix.count == atoms.count ? nil : ShiftAndAutomaton(atoms.dropFirst(prefix.count))
    }

    /// Whether a key that begins with `beginning` may match. O(bytes).
    package func canMatch(keysBeginningWith beginning: [UInt8]) -> Bool {
        var atoms = self.atoms.makeIterator()
        for byte in beginning {
            switch atoms.next() {
            case .star: return true
            case .oneOf(let members)?: if !members.contains(byte) { return false }
            case nil: return false
            }
        }
        return true
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

/// A glob as a non-deterministic automaton whose states are simulated in parallel, one bit each.
///
/// Idea (Baeza-Yates and Gonnet, "A New Approach to Text Searching", Communications of the ACM 35(10), 1992): with m atoms that each consume one
/// byte there are m + 1 states, and bit i of the word D says "the first i atoms may have consumed what was read so far". A byte c takes D to
/// `((D & accepts[c]) << 1) | (D & loops)`: an atom that accepts c passes its bit on, and a state with a star before the next atom also keeps its
/// own. So a star is a self loop and needs no state.
///
/// The work is O(key length x words), words = m / 64 + 1, for *every* pattern: nothing is tried twice, which is what makes `a*a*a*a*b` expensive
/// for a backtracking matcher. The tables take 2 KiB per word.
private struct ShiftAndAutomaton: Sendable {
    private let wordCount: Int
    /// `wordCount` words for each of the 256 bytes: bit i is set if atom i accepts the byte.
    private let accepts: [UInt64]
    /// Bit i is set if a star stands before atom i (behind the last atom for i = m).
    private let loops: [UInt64]
    private let finalWord: Int
    private let finalBit: UInt64
    /// The atoms end with a star: once all else has been consumed the rest of the key does not matter.
    private let endsWithStar: Bool

    init(_ atoms: some Collection<GlobAtom>) {
        let consuming = atoms.count { $0 != .star }
        let words = consuming / 64 + 1
        var accepts = [UInt64](repeating: 0, count: 256 * words)
        var loops = [UInt64](repeating: 0, count: words)
        var state = 0
        for atom in atoms {
            let bit = UInt64(1) << UInt64(state % 64)
            switch atom {
            case .star:
                loops[state / 64] |= bit
            case .oneOf(let members):
                for byte in UInt8.min...UInt8.max where members.contains(byte) {
                    accepts[Int(byte) * words + state / 64] |= bit
                }
                state += 1
            }
        }
        wordCount = words
        finalWord = consuming / 64
        finalBit = UInt64(1) << UInt64(consuming % 64)
        endsWithStar = loops[finalWord] & finalBit != 0
        self.accepts = accepts
        self.loops = loops
    }

    /// Whether the whole of `text` is accepted.
    func matches(_ text: Span<UInt8>) -> Bool {
        wordCount == 1 ? matchesInOneWord(text) : matchesInManyWords(text)
    }

    private func matchesInOneWord(_ text: Span<UInt8>) -> Bool {
        let loop = loops[0]
        var states: UInt64 = 1
        for index in text.indices {
            if endsWithStar, states & finalBit != 0 { return true }
            states = ((states & accepts[Int(text[index])]) << 1) | (states & loop)
            if states == 0 { return false }
        }
        return states & finalBit != 0
    }

    private func matchesInManyWords(_ text: Span<UInt8>) -> Bool {
        var states = [UInt64](repeating: 0, count: wordCount)
        states[0] = 1
        for index in text.indices {
            if endsWithStar, states[finalWord] & finalBit != 0 { return true }
            let row = Int(text[index]) * wordCount
            var carry: UInt64 = 0
            var alive: UInt64 = 0
            for word in 0..<wordCount {
                let passed = states[word] & accepts[row + word]
                let next = (passed << 1) | carry | (states[word] & loops[word])
                carry = passed >> 63
                states[word] = next
                alive |= next
            }
            if alive == 0 { return false }
        }
        return states[finalWord] & finalBit != 0
    }
}
