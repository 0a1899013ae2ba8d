import TestSupport
import Testing

@testable import Cache

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
