import RedisClient
import Testing

@testable import Cache

/// What operators read of an outage, and whether it can heal by itself.
@Suite struct OutageReasonTests {
    @Test func aTokenThatCannotBeCheckedIsNoFaultOfTheConfiguration() {
        let reason = OutageReason.failure(RedisFailure(.iamUnavailable))
        #expect(reason.code == "iam_unavailable" && !reason.isConfiguration)
        #expect(reason.sentence == "Redis cannot check the access token at the moment")
    }

    @Test func aDatabaseThatRedisDoesNotHaveIsOne() {
        let reason = OutageReason.failure(RedisFailure(.databaseRefused))
        #expect(reason.code == "database_refused" && reason.isConfiguration)
        #expect(reason.sentence.contains("a cluster has database 0 only"))
    }
}
