import RedisClient
import Testing

@testable import CacheAPI
@testable import Console

struct RedisMemoryTests {
    private static func information(used: Int64?, maximum: Int64? = nil, evicted: Int64? = nil) -> RedisInformation {
        var information = RedisInformation()
        information.usedMemoryBytes = used
        information.maximumMemoryBytes = maximum
        information.evictedKeys = evicted
        return information
    }

    @Test func evictionsAreARate() throws {
        let first = try #require(RedisMemory(Self.information(used: 1000, maximum: 4000, evicted: 90), previous: nil))
        #expect(first.usedBytes == 1000 && first.maximumBytes == 4000)
        #expect(first.evictionsPerSecond == 0, "when the first were evicted is not known")
        let second = try #require(RedisMemory(Self.information(used: 1100, evicted: 120), previous: (first, seconds: 15)))
        #expect(second.evictionsPerSecond == 2)
    }

    @Test func anotherRedisCountsFromZero() throws {
        let first = try #require(RedisMemory(Self.information(used: 1000, evicted: 90), previous: nil))
        let second = try #require(RedisMemory(Self.information(used: 10, evicted: 3), previous: (first, seconds: 15)))
        #expect(second.evictionsPerSecond == 0)
    }

    @Test func aRedisThatDoesNotSayHasNone() {
        #expect(RedisMemory(Self.information(used: nil), previous: nil) == nil)
    }
}
