import TestSupport
import Testing

@testable import Cache

struct GlobPatternTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let pattern: String
        let matching: [String]
        let other: [String]

        var testDescription: String { "‘\(pattern)’" }

        init(_ pattern: String, _ matching: [String], not other: [String]) {
            self.pattern = pattern
            self.matching = matching
            self.other = other
        }
    }

    static let examples: [Example] = [
        Example("", [""], not: ["a", "*"]),
        Example("abc", ["abc"], not: ["ab", "abcd", "ABC", ""]),
        Example("*", ["", "a", "anything"], not: []),
        Example("**", ["a", "ab"], not: [""]),
        Example("?*", ["a", "ab"], not: [""]),
        Example("a*", ["a", "ab", "a*"], not: ["xa", "", "b"]),
        Example("a**", ["a", "ab"], not: ["ba"]),
        Example("*a", ["a", "xa", "aa"], not: ["ab", ""]),
        Example("a*b*c", ["abc", "axbxc", "abbcc"], not: ["ab", "acb", "abcd"]),
        Example("a*?", ["ab", "abc"], not: ["a"]),
        Example("?", ["a", "?"], not: ["", "ab"]),
        Example("[abc]", ["a", "b", "c"], not: ["d", "", "ab"]),
        Example("[^abc]", ["d", "^"], not: ["a", ""]),
        Example("[!a]", ["!", "a"], not: ["b"]),
        Example("[a-c]x", ["ax", "cx"], not: ["dx", "-x"]),
        Example("[c-a]", ["a", "b", "c"], not: ["d", "-"]),
        Example("[a-]", ["]", "^", "_", "`", "a"], not: ["-", "b", "\\"]),
        Example("[a-]]", ["^", "a"], not: ["-]", "a]", "-"]),
        Example("[a-", ["a", "-"], not: ["b", ""]),
        Example("[-a]", ["-", "a"], not: ["b"]),
        Example("[--a]", ["-", "A", "a"], not: ["b", "+"]),
        Example("[a", ["a"], not: ["b", "[a", ""]),
        Example("[", [], not: ["[", "", "a"]),
        Example("[]", [], not: ["[]", "]", "a", ""]),
        Example("[]a]", [], not: ["a]", "]", "a"]),
        Example("[^]", ["a", "]", "^"], not: ["", "ab"]),
        Example("[^", ["a", "["], not: ["", "[^"]),
        Example("[^^]", ["a"], not: ["^"]),
        Example("[a^]", ["a", "^"], not: ["b"]),
        Example("[\\]]", ["]"], not: ["\\", "a"]),
        Example("[\\a-c]", ["a", "-", "c"], not: ["b", "\\"]),
        Example("[a-\\]", ["\\", "]", "^", "a"], not: ["b", "["]),
        Example("[a\\", ["a", "\\"], not: ["b"]),
        Example("[\\", ["\\"], not: ["["]),
        Example("[*?]", ["*", "?"], not: ["a", ""]),
        Example("\\", ["\\"], not: ["", "a"]),
        Example("a\\", ["a\\"], not: ["a", "a\\\\"]),
        Example("\\*", ["*"], not: ["a", "\\*", "\\"]),
        Example("\\a\\[", ["a["], not: ["\\a\\["]),
        Example("*\\", ["\\", "a\\"], not: ["a"]),
        Example("]", ["]"], not: ["a"]),
        Example("user:*:name", ["user:1:name", "user::name"], not: ["user:name", "user:1:names"]),
    ]

    @Test(arguments: examples)
    func `a table of quirks, each as Redis has it`(_ example: Example) {
        let pattern = GlobPattern(example.pattern.utf8)
        for key in example.matching {
            #expect(pattern.matches(Array(key.utf8)), "‘\(key)’ must match")
            #expect(ReferenceGlob.matches(pattern: Array(example.pattern.utf8), key: Array(key.utf8)))
        }
        for key in example.other {
            #expect(!pattern.matches(Array(key.utf8)), "‘\(key)’ must not match")
            #expect(!ReferenceGlob.matches(pattern: Array(example.pattern.utf8), key: Array(key.utf8)))
        }
    }

    @Test func `a range of bytes is compared as signed, as the C type is on x86-64`() {
        let pattern = GlobPattern([0x5b, 0x61, 0x2d, 0xff, 0x5d])
        #expect(pattern.matches([0xff]))
        #expect(pattern.matches([0x00]))
        #expect(pattern.matches([0x61]))
        #expect(!pattern.matches([0x62]))
        #expect(!pattern.matches([0x80]))
    }

    @Test func `the literal prefix ends where a match may vary`() {
        #expect(GlobPattern("user:*".utf8).literalPrefix == Array("user:".utf8))
        #expect(GlobPattern("us[e]r\\*?x".utf8).literalPrefix == Array("user*".utf8))
        #expect(GlobPattern("plain".utf8).literalPrefix == Array("plain".utf8))
        #expect(GlobPattern("*a".utf8).literalPrefix.isEmpty)
        #expect(GlobPattern("[]a".utf8).literalPrefix.isEmpty)
    }

    @Test func `what no match begins with is known`() {
        for (pattern, other) in [("a", "ab"), ("b*", "a"), ("", "a"), ("a[^b]*", "ab"), ("??", "abc")] {
            #expect(!GlobPattern(pattern.utf8).canMatch(keysBeginningWith: Array(other.utf8)), "\(pattern)")
        }
    }

    @Test func `only a single star is every key`() {
        #expect(GlobPattern("*".utf8).matchesEverything)
        #expect(!GlobPattern("**".utf8).matchesEverything)
        #expect(!GlobPattern("\\*".utf8).matchesEverything)
    }

    @Test(arguments: [62, 63, 64, 65, 127, 128, 129, 300])
    func `patterns longer than a machine word carry their state across`(_ length: Int) {
        let key = (0..<length).map { UInt8(ascii: "a") + UInt8($0 % 7) }
        let questions = [UInt8](repeating: UInt8(ascii: "?"), count: length)
        #expect(GlobPattern(questions).matches(key))
        #expect(!GlobPattern(questions).matches(Array(key.dropLast())))
        #expect(!GlobPattern(questions + [UInt8(ascii: "?")]).matches(key))

        let suffix = GlobPattern([UInt8(ascii: "*")] + key)
        #expect(suffix.matches((Array("abcdef".utf8) + key)))
        #expect(!suffix.matches((key + [UInt8(ascii: "z")])))

        let starred = GlobPattern(key.flatMap { [UInt8(ascii: "*"), $0] })
        #expect(starred.matches(key))
        #expect(starred.matches(key.flatMap { [UInt8(ascii: "x"), $0] }))
        #expect(!starred.matches(Array(key.dropFirst())))
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `random patterns agree with the plain recursive definition`(seed: UInt64) {
        var globs = RandomGlobs(seed: seed)
        var matched = 0
        for _ in 0..<20_000 {
            let (bytes, key) = (globs.pattern(upTo: 9), globs.key(upTo: 6))
            let expected = ReferenceGlob.matches(pattern: bytes, key: key)
            matched += expected ? 1 : 0
            let pattern = GlobPattern(bytes)
            #expect(pattern.matches(key) == expected, "seed \(seed): pattern \(bytes), key \(key)")
            for count in 0...key.count where expected { #expect(pattern.canMatch(keysBeginningWith: Array(key.prefix(count)))) }
        }
        #expect(matched > 200, "the keys hardly ever match: the comparison would say nothing")
    }

    @Test func `a pattern that ruins a backtracking matcher is linear here`() {
        // A matcher that backtracks over every star would need about 10^27 steps for this pair.
        let pattern = GlobPattern((Array(repeating: "a*", count: 20).joined() + "b").utf8)
        let key = [UInt8](repeating: UInt8(ascii: "a"), count: 10_000)
        #expect(!pattern.matches(key))
        #expect(pattern.matches((key + [UInt8(ascii: "b")])))
    }
}

/// The reference that counts: the answers of a real server.
struct GlobPatternRedisTests {
    @Test(.enabled(if: RedisServerProcess.isAvailable, "redis-server is not installed, so the dialect cannot be compared with the real one"))
    func `random patterns select the keys that KEYS of a real server selects`() throws {
        let seed: UInt64 = 20_250_701
        var globs = RandomGlobs(seed: seed)
        let keys = Set((0..<1_500).map { _ in globs.key(upTo: 6) } + [[], [0], [0x62, 0]])
        let process = try RedisServerProcess()
        defer { process.stop() }
        let server = try UnixSocketRedis(path: process.socketPath)
        try server.add(Array(keys))

        var patterns = (0..<3_000).map { _ in globs.pattern(upTo: 9) }
        patterns += GlobPatternTests.examples.map { Array($0.pattern.utf8) }
        var matched = 0
        for pattern in patterns {
            let expected = try server.keys(pattern)
            let glob = GlobPattern(pattern)
            let actual = keys.filter { glob.matches($0.span) }
            #expect(actual == expected, "seed \(seed): pattern \(pattern), differing keys \(actual.symmetricDifference(expected))")
            matched += expected.count
        }
        #expect(matched > 10_000, "the patterns select hardly anything: the comparison would say nothing")
    }
}

/// Patterns and keys over an alphabet so small that they often match, and in which most bytes mean something to a glob.
struct RandomGlobs {
    static let alphabet: [UInt8] = Array("ab[]^-\\*?".utf8) + [0xff, 0x80]
    private var random: SplitMix64

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

    mutating func pattern(upTo length: Int) -> [UInt8] {
        bytes(Int.random(in: 0...length, using: &random))
    }

    mutating func key(upTo length: Int) -> [UInt8] {
        bytes(Int.random(in: 0...length, using: &random))
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in Self.alphabet[Int.random(in: 0..<Self.alphabet.count, using: &random)] }
    }
}

extension GlobPattern {
    /// For `#expect`, whose expansion takes an expression apart and cannot hold a span.
    func matches(_ key: [UInt8]) -> Bool {
        matches(key.span)
    }
}
